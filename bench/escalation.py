"""How soon a waiting agent continues after its founder has answered."""

from math import ceil

from bench.install import Install
from bench.outcome import Outcome

BUILDS = 15
BARS = {"escalation.resolve_to_next_call_p99_seconds": 1.0}
TEXT = f"""\
{BUILDS} builds ask four questions each and wait, one after the other, with one worker that is otherwise
free. Measured from before the answer is written (so its own transaction counts) to the arrival of the
model call that holds it at the rehearsal's server: the queued run is picked up, the session claimed, the
paused sandbox resumed, its files verified, and the call reserved."""


def measure(install: Install) -> Outcome:
    seconds = sorted(install.run_ours("answered", str(BUILDS))["seconds"])
    figures = {
        "escalation.resolve_to_next_call_p50_seconds": _percentile(seconds, 50),
        "escalation.resolve_to_next_call_p99_seconds": _percentile(seconds, 99),
    }
    return Outcome("From an answer to the next model call", figures, BARS, TEXT)


def _percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that at least this percentage of the values do not exceed."""
    return ordered[ceil(len(ordered) * percent / 100) - 1]
