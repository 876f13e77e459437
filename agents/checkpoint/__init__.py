"""The two durable points of a step, by the ORM and as one statement.

May import `session`, `failures`, `budget` and the rooms below; knows nothing of tools or sandboxes' files.
"""
