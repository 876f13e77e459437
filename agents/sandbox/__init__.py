"""The E2B sandbox: its provider, the workspace in it, process groups, and what is redacted on the way out.

May import only the values: `output`, `turns`, `errors`.
"""
