"""What operators look at and run: doctor, drill, retention, probes, metrics.

May import `install`, `config` and the apps.
"""
