"""Many of our loops in one process: a model that takes two seconds, an instant tool, the real store."""

import asyncio
import gc
import json
import resource
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from django.db import connection

from agents.database import in_transaction
from agents.guards import Guards
from agents.loop import Loop
from agents.models import AgentSession, SessionState
from agents.stops import TurnEnded
from agents.turns import Turn, note
from agents.worker import sweep
from bench import work
from bench.systems.ours import USAGE, InstantToolbox, new_build, open_store
from jobs import clock, doorbell

LOOPS = 200
LATENCY = 2.0  # seconds the model takes
ITERATIONS = 10
TICK = 0.01  # seconds between two measurements of the event loop's lag


class SlowModel:
    """Takes two seconds, plus or minus a tenth, so that the loops do not run in step."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._iteration = 0

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        if self._iteration == ITERATIONS:
            raise TurnEnded
        await asyncio.sleep(LATENCY * self._random.uniform(0.9, 1.1))
        self._iteration += 1
        return Turn(work.answer(self._iteration), "tool_use", USAGE)

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        raise AssertionError("This transcript is too small to be summed up.")


async def one(number: int, store: Any) -> None:
    await asyncio.sleep(LATENCY * number / LOOPS)
    await store.begin([note("start", "Begin.")])
    try:
        await Loop(SlowModel(number), InstantToolbox(), store, Guards(cap=10**9)).run()
    except TurnEnded:
        return


async def lag(into: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        into.append(1000 * (time.perf_counter() - before - TICK))


async def run(stores: list[Any]) -> dict[str, float]:
    doorbell.ring_from(asyncio.get_running_loop())
    lags: list[float] = []
    watching = asyncio.create_task(lag(lags))
    began = time.perf_counter()
    await asyncio.gather(*(one(number, store) for number, store in enumerate(stores)))
    seconds = time.perf_counter() - began
    watching.cancel()
    doorbell.ring_from(None)
    lags.sort()
    return {
        "seconds": seconds,
        "iterations_per_second": LOOPS * ITERATIONS / seconds,
        "lag_p50": lags[len(lags) // 2],
        "lag_p99": lags[99 * len(lags) // 100],
    }


def resident() -> int:
    """Bytes of memory in use by this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def sweep_seconds() -> float:
    began = time.perf_counter()
    for _ in range(5):
        await in_transaction(sweep.queue_forgotten)
    return (time.perf_counter() - began) / 5


def put_to_sleep(sessions: int) -> None:
    """Rows of sessions that sleep until tomorrow."""
    tomorrow = clock.next_midnight(clock.now())
    for number in range(sessions):
        job = new_build(f"sleeper-{number}")
        AgentSession.objects.filter(pk=job.pk).update(state=SessionState.SLEEPING, wake_at=tomorrow)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")


def main() -> None:
    jobs = [new_build(f"founder-{number}") for number in range(LOOPS)]
    gc.collect()
    before = resident()
    stores = [open_store(job) for job in jobs]
    report = uvloop.run(run(stores))
    gc.collect()
    report["bytes_per_loop"] = (resident() - before) / LOOPS
    AgentSession.objects.update(state=SessionState.COMPLETED)
    uvloop.run(sweep_seconds())
    without = uvloop.run(sweep_seconds())
    put_to_sleep(int(sys.argv[1]))
    gc.collect()
    memory = resident()
    report["sweep_ms_without"] = 1000 * without
    report["sweep_ms_with"] = 1000 * uvloop.run(sweep_seconds())
    report["sleeping_bytes"] = resident() - memory
    print(json.dumps(report))
