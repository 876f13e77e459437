"""What a worker measures, in real seconds: where the time of an iteration goes, how late agents wake."""

import asyncio
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

LOOP_LAG = Histogram(
    "cofounder_worker_loop_lag_seconds",
    "How much later than planned the worker's event loop ran something: while it lags, every agent waits.",
    buckets=BUCKETS,
)
LAG_EVERY_SECONDS = 0.5


async def measure_lag() -> None:
    """Measure the running event loop's lag, for as long as the worker lives."""
    loop = asyncio.get_running_loop()
    while True:
        planned = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        LOOP_LAG.observe(max(0.0, loop.time() - planned))


def woke(wake_at: datetime | None) -> None:
    """A sleeper was claimed, whose time to wake was this moment of our clock."""
    if wake_at is not None:
        WAKE_LATENESS.observe(max(0.0, (clock.now() - wake_at).total_seconds() / clock.speed()))


def waited(run_id: int) -> None:
    """A run has begun: how long it has waited since it was due."""
    wait = queue.waited(run_id)
    if wait is not None:
        QUEUE.observe(max(0.0, wait.total_seconds()))
