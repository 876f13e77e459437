"""The WebSocket of a build's events, and one event loop's subscription hub.

May import every module of `jobs`, also `api` for who owns what.
"""
