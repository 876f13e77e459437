"""The doctor: checks every part an install needs, and says how to fix what is wrong."""
