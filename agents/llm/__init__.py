"""The model: Anthropic's client, what of an answer is kept, which calls are tried again, and what each used.

May import only the values: `turns`, `usage`, `stops`, `output`, `errors`.
"""
