"""The admin pages for builds: their state, their logs and transcripts, their cost."""

from agents.admin import jobs, money, plans, sessions

__all__ = ["jobs", "money", "plans", "sessions"]
