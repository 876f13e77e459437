"""The REST API of builds, money and files: views that call `actions` and read the rows.

May import every room of `agents` but `admin` and `worker`.
"""
