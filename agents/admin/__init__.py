"""The admin's view of builds: what they do, what they say, what they cost."""

from agents.admin import jobs, money, plans, sessions

__all__ = ["jobs", "money", "plans", "sessions"]
