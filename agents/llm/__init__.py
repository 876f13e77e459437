"""The model: Anthropic's client, which failed calls are tried again, and how many tokens a call used.

May import only the values: `turns`, `usage`, `stops`, `output`, `errors`.
"""
