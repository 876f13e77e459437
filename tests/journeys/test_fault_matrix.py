"""A small build for each fault on the model's wire: it goes on, or rests with the right sentence; none fails.

The ledger always holds what the provider has billed. Most run the loop alone, a few the whole build.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from pytest_django import Settings

from agents.actions.start import start_build
from agents.budget import ledger
from agents.builds import transactions
from agents.builds.build import execute_build
from agents.builds.runner import Context, run_agent_loop
from agents.builds.troubles import rest_for, trouble_of
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.errors import Trouble
from agents.failures.trouble import TABLE
from agents.llm.client import AnthropicModel
from agents.models import AgentMessage, AgentSession, SessionState, SpendEntry
from agents.session.claim import Claim, load
from agents.session.rest import put_to_rest
from agents.tools import toolbox
from agents.turns import Replay, ToolCall, ToolResult, failed_result, note, text_block
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from rehearsal.anthropic_api.validation import validate_request
from rehearsal.fault import ODDITIES
from tests.agents.claims import claim_of
from tests.journeys.conftest import Rehearsal
from tests.journeys.small_plays import APP, brief
from tests.transcripts import as_messages

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("an_install")]

PLAY: dict[str, Any] = {
    "name": "notes",
    "project": "Notes",
    "steps": [
        {
            "id": "app",
            "think": "I write it.",
            "say": "First the page.",
            "call": [
                {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}},
                {"write_file": {"path": "notes.txt", "content": "kept"}},
            ],
        },
        {"id": "look", "think": "Is it there?", "call": [{"read_file": {"path": "notes.txt"}}]},
        {"id": "bye", "think": "Done.", "say": "Done.", "end": True},
    ],
}

Fault = dict[str, Any]


def odd(what: str, times: int = 1) -> Fault:
    return {"kind": "odd", "what": what, "times": times}


def stop(reason: str, times: int = 1) -> Fault:
    return {"kind": "stop", "stop_reason": reason, "times": times}


TOO_LONG: Fault = {"kind": "too_long"}
SUMMARIES = sorted(what for what in ODDITIES if what.startswith("summary_"))
UNCOUNTED = {"no_usage", "null_usage", "odd_usage"}  # nobody can settle what the provider does not tell

READY: dict[str, list[Fault]] = {
    **{kind: [{"kind": kind}] for kind in ("overloaded", "server_error", "unavailable", "gateway_timeout")},
    **{kind: [{"kind": kind}] for kind in ("timed_out", "conflict", "stream_error", "torn")},
    "rate limited": [{"kind": "rate_limited", "retry_after": 0.1}],
    "cut before the first event": [{"kind": "cut", "after_events": 0}],
    "cut in a call": [{"kind": "cut", "after_events": 12}],
    **{what: [odd(what)] for what in sorted(ODDITIES) if not what.startswith("summary_")},
    "ids of each turn are the same": [odd("fixed_id", 3)],
    "empty twice": [odd("empty", 2)],
    "refused once": [stop("refusal")],
    "cut off three times": [stop("max_tokens", 3)],
    "paused": [stop("pause_turn")],
    "context window exceeded": [stop("model_context_window_exceeded")],
    "too long once": [TOO_LONG],
    "too large, and its summary too": [{"kind": "too_large", "times": 2}],
    "too long, and all its summaries too": [{**TOO_LONG, "times": 3}],
    "too long, and a summary is refused": [TOO_LONG, {"kind": "bad_request"}],
    **{f"too long, and {what}": [TOO_LONG, odd(what)] for what in SUMMARIES},
    **{f"too long, and {what} twice": [TOO_LONG, odd(what, 2)] for what in SUMMARIES[:2]},
}
RESTS: dict[str, tuple[list[Fault], Trouble]] = {
    "unauthorized": ([{"kind": "unauthorized"}], Trouble.MODEL_KEY),
    "forbidden": ([{"kind": "forbidden"}], Trouble.MODEL_PERMISSION),
    "payment_required": ([{"kind": "payment_required"}], Trouble.MODEL_CREDIT),
    "no_credit": ([{"kind": "no_credit"}], Trouble.MODEL_CREDIT),
    "workspace_limit": ([{"kind": "workspace_limit"}], Trouble.MODEL_SPEND_LIMIT),
    "spend limit": (
        [{"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"}],
        Trouble.MODEL_SPEND_LIMIT,
    ),
    "unknown_model": ([{"kind": "unknown_model"}], Trouble.MODEL_UNKNOWN),
    "bad_request": ([{"kind": "bad_request"}], Trouble.MODEL_REQUEST),
    "too long also after a fresh start": ([{**TOO_LONG, "times": 4}], Trouble.MODEL_FULL),
}
ASKS: dict[str, tuple[list[Fault], Trouble]] = {
    "refused twice": ([stop("refusal", 2)], Trouble.MODEL_DECLINES),
    "cut off four times": ([stop("max_tokens", 4)], Trouble.MODEL_CUT),
}


def rehearsal_of(tmp_path_factory: pytest.TempPathFactory, *plays: dict[str, Any]) -> Iterator[Rehearsal]:
    """The servers, with these plays alone."""
    directory = tmp_path_factory.mktemp("plays")
    for play in plays:
        (directory / play["name"]).mkdir()
        (directory / play["name"] / "play.yaml").write_text(json.dumps(play))
    running = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(directory))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    yield from rehearsal_of(tmp_path_factory, PLAY)


@pytest.fixture
def an_install(servers: Rehearsal, settings: Settings, tmp_path: Path) -> None:
    """The settings of an install whose worker is this process."""
    for name, value in servers.env.items():
        setattr(settings, name, True if value == "true" else value)
    settings.E2B_API_KEY = Path(servers.urls["e2b_api_key_file"]).read_text().strip()
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            name: {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": str(tmp_path / name)},
            }
            for name in ("default", "snapshots")
        },
    }


@pytest.fixture
def job(founder: User) -> Job:
    return start_build(create_project(owner=founder, **brief("Notes")))[0]


class NotesToolbox:
    """The tools of the play, on files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def label(self, call: ToolCall) -> str:
        return call.name

    def replay(self, name: str) -> Replay:
        return toolbox.replay(name)

    async def run(self, call: ToolCall) -> ToolResult:
        if call.is_unreadable or call.name not in toolbox.TOOLS:
            return failed_result(call, call.name, "unknown_tool", "This cannot be run.")
        if call.name == "write_file":
            self.files[call.input["path"]] = call.input["content"]
        text = self.files[call.input["path"]] if call.name == "read_file" else "ok\n[exit 0]"
        return ToolResult(call=call, label=call.name, content=[text_block(text)])


async def never() -> bool:
    return False


async def nobody_is_told(reason: str, attempt: int) -> None:
    """The sink of a build that has no feed."""


async def run_the_loop(job: Job, tools: NotesToolbox, number: int) -> None:
    """What a worker does in the stage of the code."""
    owner = await in_transaction(claim_of, job, number)
    if number == 1:
        await in_transaction(transactions.prepare_session, owner, (await in_transaction(load, owner))[0])
    session, rows = await in_transaction(load, owner)
    store = CheckpointStore(owner, rows, lambda: model.meter.current, lambda: None)
    model = AnthropicModel(nobody_is_told, store)
    context = Context(session, store, model, tools, toolbox.definitions(), never)
    try:
        notes = [note("start", "Begin.") if store.is_empty else note("wake", "Go on.")]
        rest = await run_agent_loop(context, notes)
    except Exception as error:  # noqa: BLE001  # as the build: whatever it is, it only rests
        rest = await in_transaction(rest_for, owner, trouble_of(error), str(error))
    await model.close()
    if rest is not None:
        await in_transaction(put_to_rest, owner, rest)
    else:
        await in_transaction(ledger.release_all_of, job.pk)


def run(
    job: Job, servers: Rehearsal, faults: list[Fault], tools: NotesToolbox | None = None, number: int = 1
) -> AgentSession:
    """One run in which these faults come first, of the loop or of the whole build; its books are right."""
    servers.fail_with(*({**fault, "match": str(job.pk)} for fault in faults))
    asyncio.run(run_the_loop(job, tools, number) if tools else execute_build(job.pk, number))
    job.refresh_from_db()
    assert job.status != JobStatus.FAILED
    spend = SpendEntry.objects.filter(session=job.pk)
    assert not spend.filter(status=SpendEntry.Status.RESERVED).exists()
    paid = spend.aggregate(total=Sum("cost_microdollars", default=0))["total"]
    if not any(fault.get("what") in UNCOUNTED for fault in faults):
        assert paid == servers.billed(job.pk)
    session = AgentSession.objects.get(pk=job.pk)
    assert session.cost_microdollars == paid
    return session


def story(job: Job) -> list[str]:
    return [f"{event.type} {json.dumps(event.payload)[:300]}" for event in job.events.all()]


def last_words(job: Job) -> Any:
    return AgentMessage.objects.filter(session=job.pk).last().content[-1].get("text")  # type: ignore[union-attr]


@pytest.mark.parametrize("name", READY)
def test_what_a_build_can_get_over_it_gets_over(name: str, job: Job, servers: Rehearsal) -> None:
    tools = NotesToolbox()
    session = run(job, servers, READY[name], tools)
    assert session.state == SessionState.WORKING, story(job)
    assert tools.files["notes.txt"] == "kept"
    assert last_words(job) == "Done."
    _, rows = load(Claim(job.pk, session.epoch, SessionState.WORKING))
    asked = as_messages((row.role, row.content) for row in rows[:-1])
    request = {"model": session.model, "max_tokens": 100, "messages": asked}
    assert validate_request(request, ["compact-2026-09-04"]) == []


@pytest.mark.parametrize("name", RESTS)
def test_what_only_others_can_mend_it_sleeps_through_with_a_plain_sentence(
    name: str, job: Job, servers: Rehearsal
) -> None:
    faults, trouble = RESTS[name]
    tools = NotesToolbox()
    session = run(job, servers, faults, tools)
    assert (session.state, session.trouble) == (SessionState.SLEEPING, trouble)
    told = job.events.get(type=EventType.SLEEPING).payload["reason"]
    assert told == TABLE[trouble].sentence
    assert session.trouble_detail not in "".join(story(job))
    assert session.wake_at is not None
    clock.move(session.wake_at)
    run(job, servers, [], tools, 2)
    assert last_words(job) == "Done.", story(job)


@pytest.mark.parametrize("name", ASKS)
def test_what_the_founder_has_to_decide_it_asks(name: str, job: Job, servers: Rehearsal) -> None:
    faults, trouble = ASKS[name]
    session = run(job, servers, faults, NotesToolbox())
    assert session.state == SessionState.WAITING_FOR_INPUT
    assert AgentEscalation.objects.get(job=job).error_type == trouble


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["empty", "dotted_name", "too long, and all its summaries too"])
def test_a_whole_build_is_ready_all_the_same(name: str, job: Job, servers: Rehearsal) -> None:
    session = run(job, servers, READY[name])
    assert (job.status, session.state) == (JobStatus.READY, SessionState.COMPLETED), story(job)


@pytest.mark.timeout(400)
def test_a_whole_build_sleeps_and_is_ready_once_the_trouble_is_over(job: Job, servers: Rehearsal) -> None:
    session = run(job, servers, [{"kind": "unauthorized"}])
    assert (session.state, session.trouble) == (SessionState.SLEEPING, Trouble.MODEL_KEY)
    assert session.wake_at is not None
    clock.move(session.wake_at)
    session = run(job, servers, [], number=2)
    assert (job.status, session.state) == (JobStatus.READY, SessionState.COMPLETED), story(job)
