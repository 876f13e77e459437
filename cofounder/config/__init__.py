"""What `settings.py` is made of: environment, keys, logs, file storage, prices, security headers.

May import nothing else of the project: the settings are still being read.
"""
