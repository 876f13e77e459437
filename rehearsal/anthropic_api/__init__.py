"""A stand-in for the Anthropic API over HTTP; its model follows scripted plays.

May import the engine and the plays; knows nothing of `e2b_api`.
"""
