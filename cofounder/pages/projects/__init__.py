"""The list of projects, a new one, and a project's secrets.

May import `builds`, `money`, `questions` and what all pages share.
"""
