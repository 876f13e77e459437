"""The doctor: checks every part an install needs, and says how to fix what is wrong.

May import `install`, the rooms below it, the rest of `operations` and the apps.
"""
