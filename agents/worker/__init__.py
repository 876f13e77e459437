"""The worker process, the sweep that re-queues what has no worker, and the reaper of unused sandboxes.

May import `builds`, `actions` and the rooms below them; knows nothing of `api` or `admin`.
"""
