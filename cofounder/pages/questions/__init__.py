"""All open questions, and answering one, also from a link in a mail.

May import only what all pages share.
"""
