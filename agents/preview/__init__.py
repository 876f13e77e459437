"""The app that the agent builds: how it is declared, started, asked, photographed, and checked.

May import `sandbox` and the rooms below it; knows nothing of snapshots, failures or sessions.
"""
