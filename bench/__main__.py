"""`python -m bench [NAME ...]`: run the benchmarks, write the results, fail when a limit is missed."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import cancel, cost, escalation, fanout, files, loop, pages, start, worker
from bench.install import installed
from bench.outcome import Outcome

BENCHMARKS = {
    "loop": loop.measure,
    "worker": worker.measure,
    "fanout": fanout.measure,
    "pages": pages.measure,
    "escalation": escalation.measure,
    "cancel": cancel.measure,
    "files": files.measure,
    "cost": cost.measure,
    "start": start.measure,
}
HERE = Path(__file__).resolve().parent
FIGURES, TEXT = HERE / "results.json", HERE / "RESULTS.md"


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    with installed() as install:
        outcomes = [BENCHMARKS[name](install) for name in names]
    _write_figures(outcomes)
    _write_text(outcomes)
    missed = [line for outcome in outcomes for line in outcome.missed()]
    if missed:
        sys.exit("bench: " + "; ".join(missed))


def _write_figures(outcomes: list[Outcome]) -> None:
    """The figures of benchmarks that did not run this time are kept."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for outcome in outcomes:
        figures |= {name: round(value, 4) for name, value in outcome.figures.items()}
    FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")


def _write_text(outcomes: list[Outcome]) -> None:
    kept = TEXT.read_text().split("\n## ")[1:] if TEXT.exists() else []
    sections = {section.split("\n")[0]: f"## {section.rstrip()}\n" for section in kept}
    for outcome in outcomes:
        sections[outcome.title] = f"{outcome.section()}\n{_machine()}\n"
    TEXT.write_text("\n".join([INTRODUCTION, *sections.values()]))


def _machine() -> str:
    busy = " ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}; load after the run {busy}."
    )


INTRODUCTION = """\
# What it costs

Made by `make bench`. Every figure comes from one run on one machine; only ratios between systems that
were measured side by side carry over to another.
"""

if __name__ == "__main__":
    main()
