"""The session: who owns it, its states, how it rests, what the founder sent, and its live keys.

May import `budget`, `notifications` and the rooms below; knows nothing of the loop, previews or snapshots.
"""
