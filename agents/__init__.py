"""Who builds: the loop and everything around it. May import `escalations` and `jobs`, never `cofounder`."""
