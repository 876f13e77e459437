"""What it costs to send an event to everybody who watches, and how many one web process can serve."""

from bench.install import Install
from bench.outcome import Outcome, table

BARS = {"fanout.p99_vs_bare_redis": 5.0}
LIMIT_MS = 100
TEXT = f"""\
100 WebSockets, each with a login's cookie, on one daphne; 20 events a second for 20 seconds. From before
`record()` is called (its transaction is committed with fsync) to the arrival of the frame at each socket.
Beside it, in the same process and with the same frames: one redis-py connection that publishes, one that
subscribes and hands each message to 100 queues.

Then more watchers, and more events, until p99 passes {LIMIT_MS} ms. Server, watchers, PostgreSQL and Redis
share the machine."""


def measure(install: Install) -> Outcome:
    report = install.run_ours("watchers")
    figures = {
        "fanout.p99_vs_bare_redis": report["p99"] / report["bare_p99"],
        "fanout.p50_vs_bare_redis": report["p50"] / report["bare_p50"],
        "fanout.p50_ms": report["p50"],
        "fanout.p99_ms": report["p99"],
        "fanout.bare_redis_p50_ms": report["bare_p50"],
        "fanout.bare_redis_p99_ms": report["bare_p99"],
        "fanout.watchers_at_20_events_per_second": _carried(report["watchers"], 0),
        "fanout.events_per_second_for_100_watchers": _carried(report["events"], 1),
    }
    head = ("watchers", "events a second", "p50, ms", "p99, ms")
    steps = [*report["watchers"], *report["events"][1:]]
    rows = [(str(watchers), str(rate), f"{p50:.1f}", f"{p99:.1f}") for watchers, rate, p50, p99 in steps]
    return Outcome("One fact to everybody who watches", figures, BARS, f"{TEXT}\n\n{table(head, rows)}")


def _carried(steps: list[list[float]], which: int) -> float:
    """The largest load with a p99 within the limit."""
    return max((step[which] for step in steps if step[3] <= LIMIT_MS), default=0)
