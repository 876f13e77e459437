"""What a person may do: one module for each kind of action, each action one transaction.

May import `session`, `snapshots` and the rooms below them, and `escalations`; knows nothing of `builds`.
"""
