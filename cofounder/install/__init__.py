"""Everything on one machine: the supervisor of `manage.py up`, the embedded services, the demo.

May import `config`, `accounts`, `http` and the apps.
"""
