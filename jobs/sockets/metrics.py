"""Metrics of a web process about the event log."""

from prometheus_client import Counter

EVENTS_DELIVERED = Counter("cofounder_events_delivered", "Frames of the event log sent to browsers.")
