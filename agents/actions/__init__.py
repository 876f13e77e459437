"""What a person may do: one module for each kind of action, each action one transaction.

May import `session`, `budget`, `snapshots` and the rooms below; knows nothing of `builds`.
"""
