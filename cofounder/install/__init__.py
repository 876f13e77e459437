"""Everything on one machine: the supervisor of `manage.py up`, the embedded services, the demo.

May import `accounts`, `config`, `http`, `models` and the apps.
"""
