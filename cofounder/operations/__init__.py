"""What operators look at and run: doctor, drill, retention, probes, metrics.

May import `install`, the rooms below it and the apps.
"""
