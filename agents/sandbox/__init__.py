"""The E2B sandbox: its provider, the workspace in it, process groups, and what is redacted on the way out.

May import the values (`output`, `turns`, `errors`), `models`, `database`; no room above it.
"""
