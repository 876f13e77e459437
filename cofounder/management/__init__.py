"""What the commands about the installation share, and the commands.

May import every room of `cofounder` and the apps. Nothing imports it.
"""
