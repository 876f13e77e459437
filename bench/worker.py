"""How many loops one worker process can run, and what they and sleeping sessions cost it."""

from bench.install import Install
from bench.outcome import Outcome

SLEEPERS = 200
TEXT = f"""\
200 loops in one process, each with a model that takes 2 s and the real store: at best 100 iterations a
second. Lag is how much later than asked a 10 ms sleep on the same event loop wakes. Memory per loop is
what the process grew by, with ten iterations of history in each. Sleepers are {SLEEPERS} sessions asleep
until tomorrow: what the process grew by while they slept, and how much longer a sweep took."""


def measure(install: Install) -> Outcome:
    report = install.run_ours("many", str(SLEEPERS))
    figures = {
        "worker.iterations_per_second": report["iterations_per_second"],
        "worker.lag_ms_p50": report["lag_p50"],
        "worker.lag_ms_p99": report["lag_p99"],
        "worker.kb_per_active_loop": report["bytes_per_loop"] / 1000,
        "worker.kb_per_sleeping_session": max(0.0, report["sleeping_bytes"]) / 1000 / SLEEPERS,
        "worker.sweep_ms_without_sleepers": report["sweep_ms_without"],
        "worker.sweep_ms_with_sleepers": report["sweep_ms_with"],
    }
    return Outcome("Many loops in one worker", figures, {}, TEXT)
