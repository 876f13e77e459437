"""The drill: a rehearsed build in a throwaway install, to which is done what days of running do."""
