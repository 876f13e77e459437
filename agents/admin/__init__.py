"""The admin's view of builds: what they do, what they say, what they cost."""

from agents.admin import jobs, sessions

__all__ = ["jobs", "sessions"]
