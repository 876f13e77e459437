"""One run of a build: its stages, the loop's runner, its sandbox, and the app once it is finished.

May import every room of `agents` but `actions`, `api`, `admin` and `worker`.
"""
