"""What durability costs per iteration: ours, LangGraph, DBOS and plain appends, in interleaved rounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from bench import work
from bench.install import Install
from bench.outcome import Outcome, table

ROUNDS = 5
WINDOWS = {"first": slice(0, 50), "middle": slice(130, 170), "last": slice(250, 300), "whole": slice(0, 300)}
BARS = {
    "loop.growth": 1.15,
    "loop.vs_langgraph_postgres": 0.1,
    "loop.vs_dbos_postgres": 0.5,
    "loop.vs_langgraph_delta": 0.6,
    "loop.vs_raw_append": 4.0,
    "loop.bytes_growth": 1.15,
    "loop.bytes_vs_json": 3.0,
}
OURS = "cofounder: one statement per durable point, two points"
LANGGRAPH = "LangGraph, Postgres saver, sync, two nodes"
DELTA = "LangGraph, DeltaChannel (beta), sync, two nodes: two points"
DELTA_ONE = "LangGraph, DeltaChannel (beta), sync, one node: one point"
DBOS = "DBOS on Postgres, a step per model call and per tool"
RAW = "bare psycopg, one statement per point, two points"


@dataclass(frozen=True)
class Run:
    """One run of a system: milliseconds of each iteration, and bytes of write-ahead log."""

    milliseconds: list[float]
    wal: dict[int, int]  # by iterations done
    json_bytes: float  # 0 where it was not measured

    def window(self, name: str) -> float:
        return mean(self.milliseconds[WINDOWS[name]])

    def bytes_per_iteration(self, begin: int, end: int) -> float:
        return (self.wal[end] - self.wal[begin]) / (end - begin)


def systems(install: Install) -> dict[str, Callable[[], dict[str, Any]]]:
    return {
        OURS: lambda: install.run_ours("ours"),
        LANGGRAPH: lambda: install.run_peer("langgraph_graph", "default"),
        DELTA: lambda: install.run_peer("langgraph_graph", "delta"),
        DELTA_ONE: lambda: install.run_peer("langgraph_graph", "delta_one"),
        DBOS: lambda: install.run_peer("dbos_steps", install.url("peer")),
        RAW: lambda: install.run_peer("raw_append"),
    }


def measure(install: Install) -> Outcome:
    rounds = []
    for number in range(ROUNDS):
        rounds.append({name: _run(system) for name, system in systems(install).items()})
        print(f"loop: round {number + 1} of {ROUNDS}:", _brief(rounds[-1]), flush=True)
    return Outcome("Durable overhead of an iteration", _figures(rounds), BARS, _text(rounds))


def _run(system: Callable[[], dict[str, Any]]) -> Run:
    report = system()
    assert len(report["milliseconds"]) == work.ITERATIONS
    wal = {int(done): written for done, written in report["wal"].items()}
    return Run(report["milliseconds"], wal, report.get("json_bytes", 0))


def _brief(runs: Mapping[str, Run]) -> str:
    return ", ".join(f"{run.window('whole'):.1f} ms {name.split(',')[0]}" for name, run in runs.items())


def _figures(rounds: list[dict[str, Run]]) -> dict[str, float]:
    ours = [runs[OURS] for runs in rounds]

    def against(name: str) -> float:
        return median(runs[OURS].window("whole") / runs[name].window("whole") for runs in rounds)

    return {
        "loop.growth": median(run.window("last") / run.window("first") for run in ours),
        "loop.vs_langgraph_postgres": against(LANGGRAPH),
        "loop.vs_dbos_postgres": against(DBOS),
        "loop.vs_langgraph_delta": against(DELTA),
        "loop.vs_langgraph_delta_one_point": against(DELTA_ONE),
        "loop.vs_raw_append": against(RAW),
        "loop.bytes_growth": median(
            run.bytes_per_iteration(250, 300) / run.bytes_per_iteration(0, 50) for run in ours
        ),
        "loop.bytes_vs_json": median(
            run.bytes_per_iteration(0, 300) * work.ITERATIONS / run.json_bytes for run in ours
        ),
    }


def _text(rounds: list[dict[str, Run]]) -> str:
    head = ("ms per iteration, median of the rounds' means", *WINDOWS, "KB written, first 50", "last 50")
    rows = []
    for name in rounds[0]:
        runs = [each[name] for each in rounds]
        times = [f"{median(run.window(window) for run in runs):.2f}" for window in WINDOWS]
        written = [
            f"{median(run.bytes_per_iteration(*ends) for run in runs) / 1000:.1f}"
            for ends in ((0, 50), (250, 300))
        ]
        rows.append((name, *times, *written))
    return f"{METHOD}\n\n{table(head, rows)}"


METHOD = f"""\
{work.ITERATIONS} iterations of an instant model and an instant tool that answers {work.RESULT_BYTES}
bytes, each system in a process and a fresh database of its own on one PostgreSQL with fsync, {ROUNDS}
interleaved rounds. Windows are iterations 1-50, 131-170, 251-300; ratios are of whole-run means, the
median over the rounds.

Ours writes what a step really writes (transcript, ledger with reservation and settlement, day's budget,
numbered events, session under its epoch, doorbell and live key in Redis), the peers only their
transcript. `loop.vs_langgraph_delta` takes the DeltaChannel with a node for the model and one for the tool,
the form that does the same work: the turn is saved before its tool runs. `..._one_point`, without a bar,
is its cheapest form: one node and one durable point an iteration, so that a crash loses a turn whose tool
has run and runs that tool again. Bytes are the growth of the write-ahead log (`pg_current_wal_insert_lsn`),
full-page images included; the JSON they are compared with is the transcript's and the events'."""
