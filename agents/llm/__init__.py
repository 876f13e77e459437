"""The model: Anthropic's client, when a call is tried again, what it used.

May import `budget.prices`' callers' values: `turns`, `usage`, `stops`, `output`, `errors`; no other room.
"""
