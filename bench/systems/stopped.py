"""Starts builds and stops each in the middle of a command or of a model call."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from agents.actions import control
from agents.models import SpendEntry
from bench.cancel import COMMAND
from bench.systems.ours import new_build
from jobs.models import EventType, Job

LIMIT_SECONDS = 120


def until(condition: Callable[[], Any]) -> float:
    """When it was first seen to be true (monotonic seconds)."""
    limit = time.perf_counter() + LIMIT_SECONDS
    while not condition():
        if time.perf_counter() > limit:
            raise TimeoutError(f"not within {LIMIT_SECONDS} s")
        time.sleep(0.002)
    return time.perf_counter()


def is_running() -> bool:
    """Whether the play's command is running anywhere on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().replace(b"\0", b" ").strip() == COMMAND.encode():
                return True
        except OSError:
            continue
    return False


def is_said(job: Job) -> bool:
    return job.events.filter(type=EventType.AGENT_STATE, payload__state="cancelled").exists()


def is_billed(job: Job) -> bool:
    return not SpendEntry.objects.filter(session=job.pk, status="reserved").exists()


def stop_command(number: int, anthropic_url: str) -> dict[str, float]:
    job = new_build(f"command-{number}")
    until(is_running)
    return _stop(job, ended=lambda: not is_running())


def stop_model_call(number: int, anthropic_url: str) -> dict[str, float]:
    faults = f"{anthropic_url}/rehearsal/faults"
    httpx.post(faults, json=[{"kind": "stall", "after_events": 6}]).raise_for_status()
    job = new_build(f"call-{number}")
    until(lambda: httpx.get(faults).json() == [])
    time.sleep(0.3)  # the events before the stall are still being sent
    return _stop(job, ended=lambda: is_billed(job))


def _stop(job: Job, ended: Callable[[], bool]) -> dict[str, float]:
    began = time.perf_counter()
    control.cancel(job, job.project.owner)
    seconds = {"ended": until(ended) - began, "shown": until(lambda: is_said(job)) - began}
    until(lambda: Job.objects.get(pk=job.pk).is_over)
    return seconds


def main() -> None:
    what, anthropic_url, builds = sys.argv[1:]
    stop = {"command": stop_command, "model_call": stop_model_call}[what]
    stops = [stop(number, anthropic_url) for number in range(int(builds))]
    print(json.dumps({moment: [each[moment] for each in stops] for moment in ("ended", "shown")}))
