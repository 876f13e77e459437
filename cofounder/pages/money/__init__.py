"""Today's money, what was spent, moving and adding money.

May import only what all pages share.
"""
