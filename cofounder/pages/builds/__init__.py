"""The page of a build: log, state, panels, preview, changed files, controls.

May import `money`, `questions` and what all pages share.
"""
