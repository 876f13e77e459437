"""Our loop: the real `Loop`, store, database, ledger, event log, doorbell and live keys; only the model and
the tool are doubles that answer at once."""

import asyncio
import os
from datetime import timedelta
from typing import Any

import uvloop
from django.db import connection, transaction

from agents.actions.start import start_build
from agents.builds import transactions
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.guards import Guards
from agents.loop import Loop
from agents.models import AgentMessage, Subscription
from agents.session.claim import claim, load, write_session
from agents.stops import TurnEnded
from agents.turns import Replay, ToolCall, ToolResult, Turn, note, text_block
from agents.usage import Usage
from bench import work
from bench.meter import Meter
from cofounder.models import User
from jobs import clock, doorbell
from jobs.briefs import create_project
from jobs.models import Job, JobEvent

USAGE = Usage(input_tokens=12, output_tokens=180, cache_write_5m_tokens=900, cache_read_tokens=20_000)


class InstantModel:
    """Answers from the script; the turn after the last one ends the run."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._iteration = 0

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        self._meter.tick()
        if self._iteration == work.ITERATIONS:
            raise TurnEnded
        turn = Turn(work.answer(self._iteration), "tool_use", USAGE)
        self._iteration += 1
        return turn

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        raise AssertionError("This transcript is too small to be summed up.")


class InstantToolbox:
    def label(self, call: ToolCall) -> str:
        return f"Read {call.input['path']}"

    def replay(self, name: str) -> Replay:
        raise AssertionError("Nothing is resumed here.")

    async def run(self, call: ToolCall) -> ToolResult:
        text = work.output(call.input["offset"])
        return ToolResult(call=call, label=self.label(call), content=[text_block(text)], excerpt=text)


def new_build(name: str) -> Job:
    """A job for a new founder with more money than the run needs."""
    user = User.objects.create_user(f"{name}@example.com")
    Subscription.objects.create(
        user=user,
        tier_id="cto_scale",
        renews_on=clock.today() + timedelta(days=30),
        monthly_budget_override_microdollars=10**12,
    )
    brief = {"must_have": ["a list of uniforms by size"]}
    project = create_project(
        owner=user, name="Uniform Swap", goal="One school by September", idea_brief=brief, interview=[]
    )
    return start_build(project)[0]


@transaction.atomic
def open_store(job: Job) -> CheckpointStore:
    """Claim the job and prepare its session, as a worker does."""
    owner = claim(job.pk, run_id=0)
    assert owner is not None
    session, rows = load(owner)
    transactions.prepare_session(owner, session)
    return CheckpointStore(owner, rows, lambda: USAGE, lambda: None)


def json_bytes(job: Job) -> int:
    """How much JSON the run added: the transcript and the payloads of the events."""
    contents = AgentMessage.objects.filter(session=job.pk).values_list("content", flat=True)
    payloads = JobEvent.objects.filter(job=job).values_list("payload", flat=True)
    return sum(len(AgentMessage.content.field.get_prep_value(value)) for value in [*contents, *payloads])


async def run(store: CheckpointStore, meter: Meter) -> None:
    doorbell.ring_from(asyncio.get_running_loop())
    await store.begin([note("start", "Begin.")])
    loop = Loop(InstantModel(meter), InstantToolbox(), store, Guards(cap=10**9))
    try:
        await loop.run()
    except TurnEnded:
        await in_transaction(write_session, store.owner)
    finally:
        doorbell.ring_from(None)


def main() -> None:
    job = new_build(f"founder-{os.getpid()}")
    store = open_store(job)
    parameters = connection.get_connection_params()
    meter = Meter(f"dbname={parameters['dbname']} user={parameters['user']} host={parameters['host']}")
    uvloop.run(run(store, meter))
    meter.report(json_bytes=json_bytes(job))
