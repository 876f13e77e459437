"""Sign-in links, API tokens, and what a sign-up brings.

May import `models` and the apps, but no other room of `cofounder`.
"""
