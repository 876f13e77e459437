"""What the operators' commands about agents share, and the commands.

May import every room of `agents`; of the rest, only `cofounder.management` imports it.
"""
