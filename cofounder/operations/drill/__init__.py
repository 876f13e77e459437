"""The drill: a rehearsed build in a throwaway install, put through what happens in days of operation."""
