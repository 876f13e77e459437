"""What a failed call means, and what follows: category, signature, attempts, the question to the founder.

May import the values, `models` and `escalations`; knows nothing of previews, snapshots or sessions.
"""
