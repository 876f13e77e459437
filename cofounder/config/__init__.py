"""What `settings.py` is made of: environment, keys, logs, file storage, prices, security headers.

May import no other room of `cofounder`.
"""
