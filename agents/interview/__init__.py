"""The interview: which question comes next, the model's call for it, and what the founder answered so far.

`topics`, `values` and `rules` are pure. May import `llm`, `budget`, `prompts`, `models`,
`database` and the values.
"""
