"""The model: Anthropic's client, what of an answer is kept, when a call is tried again, what it used.

May import `budget.prices`' callers' values: `turns`, `usage`, `stops`, `output`, `errors`; no other room.
"""
