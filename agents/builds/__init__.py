"""One run of a build: its stages, the loop's runner, its sandbox, and the app once it is finished.

May import `checkpoint`, `tools` and the rooms below them; knows nothing of `actions`.
"""
