"""Sign-in links, API tokens, and what a sign-up brings.

May import the apps, but no other room of `cofounder`.
"""
