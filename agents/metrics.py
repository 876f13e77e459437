"""What a worker measures, in real seconds: where the time of an iteration goes, how late agents wake."""

from datetime import datetime

from prometheus_client import Histogram

from jobs import clock, queue

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
ITERATION = Histogram(
    "cofounder_iteration_seconds",
    "What an iteration spends on the model, a tool call, a checkpoint; and a run's wait in the queue.",
    ["part"],
    buckets=BUCKETS,
)
MODEL, TOOLS, CHECKPOINT, QUEUE = (
    ITERATION.labels(part) for part in ("model", "tools", "checkpoint", "queue")
)
WAKE_LATENESS = Histogram(
    "cofounder_wake_lateness_seconds", "How long after its time a sleeping agent was awake.", buckets=BUCKETS
)


def woke(wake_at: datetime | None) -> None:
    """A sleeper was claimed, whose time to wake was this moment of our clock."""
    if wake_at is not None:
        WAKE_LATENESS.observe(max(0.0, (clock.now() - wake_at).total_seconds() / clock.speed()))


def waited(run_id: int) -> None:
    """A run has begun: how long it has waited since it was due."""
    wait = queue.waited(run_id)
    if wait is not None:
        QUEUE.observe(max(0.0, wait.total_seconds()))
