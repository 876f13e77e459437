"""A run interrupted anywhere continues: the API accepts every history, and nothing is silently done twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.actions.start import start_build
from agents.builds.runner import Context, run_agent_loop
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.llm.client import AnthropicModel, Request
from agents.models import AgentMessage, AgentSession, SpendEntry, Subscription
from agents.session.claim import load
from agents.tools import toolbox
from agents.turns import Replay, ToolCall, ToolFailure, ToolResult, Turn, failed_result, note, text_block
from agents.usage import Usage
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import Job
from rehearsal.anthropic_api.reply import next_reply, scene_of
from rehearsal.anthropic_api.validation import validate_request
from rehearsal.play import Library
from rehearsal.play_file import parse_play
from tests.agents.claims import claim_of
from tests.agents.cuts import Cut, Knife, cut_write, triggers
from tests.chaos.play import BRIEF, steps_of

MODEL = "claude-sonnet-5-5"
PLAY = parse_play({"name": "chaos", "project": "Chaos", "steps": [*steps_of(1)]}, Path(), "the play")
FOUNDER = json.dumps({"project": "Chaos", "goal": "x", "idea_brief": {}, "interview": []})
SYSTEM = f"<founder_input>\n{FOUNDER}\n</founder_input>"


class PlayingModel(AnthropicModel):
    """Plays the script, and rejects every request that the API would reject. It has no client."""

    def __init__(self, knife: Knife) -> None:
        self._knife = knife

    async def answer(self, request: Request) -> Turn:
        self._knife.pass_by()
        body = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "system": [{"type": "text", "text": request.system}],
            "tools": request.tools,
            "messages": request.messages,
            "thinking": {"type": "adaptive", "display": "summarized"},
        }
        assert validate_request(body) == []
        reply = next_reply(scene_of(body, Library((PLAY,))), request.model)
        self._knife.pass_by()
        return Turn(reply.content, reply.stop_reason, USED)


USED = Usage(input_tokens=100, output_tokens=10)


class World:
    """What tools act on. Like a sandbox it outlives the runs, and it knows each call that reached it."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.ran: list[str] = []

    def run(self, call: ToolCall) -> str:
        self.ran.append(call.id)
        wanted = call.input
        if call.name == "write_file":
            self.files[wanted["path"]] = wanted["content"]
        elif call.name == "edit_file":
            if wanted["old_string"] not in self.files[wanted["path"]]:
                raise ToolFailure("passage_not_found", "old_string is not there.")
            self.files[wanted["path"]] = self.files[wanted["path"]].replace(
                wanted["old_string"], wanted["new_string"]
            )
        elif call.name == "read_file":
            return self.files[wanted["path"]]
        else:
            assert call.name in ("bash", "plan", "narrate", "document")
        return "ok"


class CutToolbox:
    def __init__(self, world: World, knife: Knife) -> None:
        self._world, self._knife = world, knife

    def label(self, call: ToolCall) -> str:
        return call.name

    def replay(self, name: str) -> Replay:
        return toolbox.replay(name)

    async def run(self, call: ToolCall) -> ToolResult:
        self._knife.pass_by()
        try:
            text = self._world.run(call)
        except ToolFailure as failure:
            return failed_result(call, call.name, failure.error_type, failure.message)
        self._knife.pass_by()
        return ToolResult(call=call, label=call.name, content=[text_block(text)])


async def never() -> bool:
    return False


async def run_once(job: Job, world: World, knife: Knife) -> None:
    """One run of the loop, as a worker makes it; raises where it was interrupted."""
    owner = await in_transaction(claim_of, job, 1)
    session, rows = await in_transaction(load, owner)
    store = CheckpointStore(owner, rows, lambda: USED, knife.pass_by)
    model, tools = PlayingModel(knife), toolbox.definitions()
    context = Context(session, store, model, CutToolbox(world, knife), tools, never)
    notes = [note("start", "Begin.")] if store.is_empty else []
    assert await run_agent_loop(context, notes) is None


def begin_build() -> Job:
    cut_write(0)
    user = User.objects.create_user(f"{User.objects.count()}@example.com", "correct horse battery")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(user=user, tier_id="bootstrapper", renews_on=renews_on)
    job, _ = start_build(create_project(owner=user, **BRIEF))
    AgentSession.objects.filter(pk=job.pk).update(model=MODEL, system_prompt=SYSTEM)
    return job


def run_with_cuts(job: Job, world: World, points: list[int], writes: list[int]) -> None:
    """Run until it is finished; each run is interrupted at the next point of either list."""
    for point, write in [*zip(points, writes, strict=True), (0, 0)]:
        cut_write(write)
        try:
            asyncio.run(run_once(job, world, Knife(point)))
            return
        except (Cut, DatabaseError):
            continue


def blocks_of(job: Job, kind: str) -> list[Any]:
    rows = AgentMessage.objects.filter(session=job.pk)
    return [block for row in rows for block in row.content if block["type"] == kind]


def assert_nothing_is_lost(job: Job, world: World) -> None:
    calls = blocks_of(job, "tool_use")
    results = blocks_of(job, "tool_result")
    assert [call["id"] for call in calls] == [result["tool_use_id"] for result in results]
    times = Counter(world.ran)
    for call, result in zip(calls, results, strict=True):
        interrupted = "was interrupted" in result["content"][0]["text"]
        if toolbox.replay(call["name"]) == Replay.REPORT:
            assert times[call["id"]] <= 1
            assert interrupted or times[call["id"]] == 1
        else:
            assert not interrupted
            assert times[call["id"]] >= 1
    assert world.files["notes/1.txt"] == "round 1\nsecond\n"
    events = list(job.events.values_list("seq", flat=True))
    assert events == list(range(1, len(events) + 1))
    # What a run reserved for a call that was never made is given back when the session ends.
    assert SpendEntry.objects.filter(session=job.pk, status="reserved").count() <= 1


@pytest.fixture
def _cutting(transactional_db: None, tiers: None) -> Iterator[None]:
    with triggers():
        yield


COUNTS = st.integers(1, 60)
SOMETIMES = st.one_of(st.just(0), st.integers(1, 120))


@pytest.mark.usefixtures("_cutting")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(COUNTS, SOMETIMES), max_size=6))
def test_a_run_cut_anywhere_any_number_of_times_goes_on_as_if_it_had_not_been(
    cuts: list[tuple[int, int]],
) -> None:
    job, world = begin_build(), World()
    run_with_cuts(job, world, [point for point, _ in cuts], [write for _, write in cuts])
    assert_nothing_is_lost(job, world)


@pytest.mark.usefixtures("_cutting")
@pytest.mark.timeout(400)
def test_a_run_cut_at_each_point_between_half_steps_goes_on() -> None:
    for point in range(1, 62, 2):
        job, world = begin_build(), World()
        run_with_cuts(job, world, [point], [0])
        assert_nothing_is_lost(job, world)


@pytest.mark.usefixtures("_cutting")
@pytest.mark.timeout(400)
def test_a_run_cut_in_the_middle_of_each_transaction_goes_on() -> None:
    for write in range(1, 125, 4):
        job, world = begin_build(), World()
        run_with_cuts(job, world, [0], [write])
        assert_nothing_is_lost(job, world)
