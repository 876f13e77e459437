"""What a failed call means, and what follows: category, signature, attempts, the question to the founder.

May import `models`, `prompts`, the values and `escalations`; knows nothing of previews, snapshots or
sessions.
"""
