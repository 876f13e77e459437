"""The two durable points of a step, each as one statement and by the ORM.

May import `session`, `failures` and the rooms below them; knows nothing of `tools`.
"""
