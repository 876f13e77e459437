"""The session: who owns it, its states, how it rests, what the founder sent, and its live keys.

May import `budget`, `notifications`, the rooms below them and `escalations`; knows nothing of the loop,
previews or snapshots.
"""
