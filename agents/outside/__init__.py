"""The one way out: every connection to an address that a founder, an app or a model names.

Each connection is made under an allowance (this app's own host and port, public addresses, nothing), and to
exactly the IP address that was checked. May import `errors`, `database` and `jobs.errors`.
"""
