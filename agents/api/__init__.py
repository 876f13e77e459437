"""The REST API of builds, money and files: views that call `actions` and read the rows.

May import `actions`, `builds` and the rooms below them; knows nothing of `admin` or `worker`.
"""
