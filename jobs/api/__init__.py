"""The REST API of projects, builds and events, and what every view of the three apps shares.

May import every module of `jobs` but `sockets`.
"""
