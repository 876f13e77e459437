"""The founder's account, notifications, signing in by a link, leaving.

May import `builds`, `money`, `questions` and what all pages share.
"""
