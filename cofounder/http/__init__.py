"""Middleware and ASGI wrappers between the server and Django.

May import no other room of `cofounder`.
"""
