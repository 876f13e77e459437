"""What a founder is told outside of the page: which notifications go out, by mail and by webhook.

May import `models`, `database` and `escalations`; knows nothing of money, sandboxes or sessions.
"""
