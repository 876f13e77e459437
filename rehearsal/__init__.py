"""Stand-ins for Anthropic's API and E2B, the plays that they follow, and checks of a play.

Imports nothing of the project, nor Django; nothing imports it.
"""
