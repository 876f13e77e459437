"""DBOS on Postgres: one workflow, with one step for each model call and each tool call."""

import sys
from typing import Any

from dbos import DBOS

from bench import work
from bench.meter import Meter


@DBOS.step()
def model(iteration: int) -> list[dict[str, Any]]:
    return work.answer(iteration)


@DBOS.step()
def tool(iteration: int) -> str:
    return work.output(iteration)


@DBOS.workflow()
def build(meter_key: int) -> int:
    meter = METERS[meter_key]
    messages: list[dict[str, Any]] = []
    for iteration in range(work.ITERATIONS):
        meter.tick()
        messages.append({"role": "assistant", "content": model(iteration)})
        messages.append({"role": "user", "content": tool(iteration)})
    meter.tick()
    return len(messages)


METERS: list[Meter] = []


def main() -> None:
    conninfo, url = sys.argv[1:]
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    METERS.append(Meter(conninfo))
    build(0)
    DBOS.destroy()
    METERS[0].report()


if __name__ == "__main__":
    main()
