"""The admin of users and of the whole installation's ledger. Django's admin finds this package by its name.

May import `accounts`, `config`, `models` and the apps; knows nothing of the pages.
"""

from cofounder.admin import users

__all__ = ["users"]
