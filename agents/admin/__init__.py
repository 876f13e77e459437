"""The admin pages for builds: their state, their logs and transcripts, their cost.

May import `actions` and the rooms below it; knows nothing of `api` or `worker`.
"""

from agents.admin import jobs, money, plans, sessions

__all__ = ["jobs", "money", "plans", "sessions"]
