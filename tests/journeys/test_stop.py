"""Stop means stop, pause means pause, and losing a sandbox does not end a build."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.actions import control
from agents.actions.start import start_build
from agents.models import AgentMessage, AgentSession, SessionState, Snapshot, SpendEntry
from cofounder.models import User
from jobs.briefs import create_project
from jobs.errors import Conflict
from jobs.models import EventType, Job, JobStatus
from tests.chaos import accounts
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief, write_plays

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


def start(founder: User, project: str) -> Any:
    return start_build(create_project(owner=founder, **brief(project)))[0]


def session_of(job: Job) -> AgentSession:
    return AgentSession.objects.get(pk=job.pk)


def has_thought(job: Job, turns: int) -> bool:
    return session_of(job).iteration >= turns


def processes(words: str) -> int:
    """How many processes on this machine were started with this command line."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes().replace(b"\0", b" ").strip() == words.encode()
        except OSError:
            continue
    return found


def until_sandbox_ended(job: Job) -> None:
    wait_until(lambda: session_of(job).state == SessionState.CANCELLED, "the session to end")
    wait_until(lambda: not session_of(job).sandbox_id, "the sandbox to be ended")


def assert_paid(job: Job, rehearsal: Rehearsal) -> Any:
    """The ledger equals the bill, except for an answer that was sent when no worker was left to read it."""
    url = f"{rehearsal.urls['anthropic_url']}/rehearsal/billed"
    charges = httpx.get(url, params={"user_id": str(job.pk)}).json()["requests"]
    entries = list(SpendEntry.objects.filter(session=job.pk).order_by("created_at"))
    assert {entry.status for entry in entries} <= {"settled", "released"}
    account = accounts.reconcile(entries, charges)
    assert account is not None
    assert sum(entry.cost_microdollars for entry in entries) == session_of(job).cost_microdollars
    return account


def assert_log_ends_with_cancel(job: Job) -> None:
    """No number is missing, and nothing the agent did is recorded after it was stopped."""
    events = list(job.events.all())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    (stopped,) = [n for n, event in enumerate(events) if event.payload.get("state") == "cancelled"]
    assert {event.type for event in events[stopped + 1 :]} <= {EventType.SNAPSHOT_UPDATED}


def test_stopping_ends_a_running_command_at_once(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Long")
    wait_until(lambda: processes("sleep 600"), "the command to run")
    began = time.monotonic()
    control.cancel(job, founder)
    wait_until(lambda: not processes("sleep 600"), "its process group to be ended", limit=10)
    assert time.monotonic() - began < 5
    until_sandbox_ended(job)
    assert Job.objects.get().status == JobStatus.CANCELLED
    saved = Snapshot.objects.filter(job=job).first()
    assert saved is not None
    assert {"notes.txt", "index.html"} <= {file["path"] for file in saved.manifest}
    assert_log_ends_with_cancel(job)
    assert assert_paid(job, rehearsal).lost == []


def test_stopping_ends_a_stalled_model_call_and_bills_what_it_used(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    rehearsal.fail_with({"kind": "stall", "after_events": 6})
    workers.start()
    job = start(founder, "Steps")
    faults = f"{rehearsal.urls['anthropic_url']}/rehearsal/faults"
    wait_until(lambda: httpx.get(faults).json() == [], "the call to stall")
    wait_until(lambda: SpendEntry.objects.filter(status="reserved").exists(), "a reservation")
    time.sleep(0.5)  # the events before the stall are still being sent
    began = time.monotonic()
    control.cancel(job, founder)
    wait_until(lambda: SpendEntry.objects.filter(status="settled").exists(), "the call to be billed", 10)
    assert time.monotonic() - began < 5
    until_sandbox_ended(job)
    assert session_of(job).cost_microdollars == rehearsal.billed(job.pk) > 0
    assert_log_ends_with_cancel(job)


@pytest.mark.parametrize("turns", [2, 5, 9])
def test_stopping_between_commits_neither_loses_nor_doubles(
    founder: User, workers: Workers, rehearsal: Rehearsal, turns: int
) -> None:
    workers.start()
    job = start(founder, "Steps")
    wait_until(lambda: session_of(job).iteration >= turns, f"{turns} turns")
    control.cancel(job, founder)
    rows = AgentMessage.objects.filter(session=job.pk)
    length = rows.count()
    until_sandbox_ended(job)
    assert rows.count() == length
    assert [row.position for row in rows] == list(range(1, length + 1))
    assert_log_ends_with_cancel(job)
    assert_paid(job, rehearsal)


def test_pausing_waits_for_the_step_and_resuming_goes_on(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Steps")
    wait_until(lambda: session_of(job).iteration >= 5, "five turns")
    control.pause(job, founder)
    wait_until(lambda: session_of(job).state == SessionState.PAUSED, "the pause")
    last = AgentMessage.objects.filter(session=job.pk).last()
    assert last is not None
    assert last.role == "user"  # the step was finished: its results are saved
    assert not SpendEntry.objects.filter(status="reserved").exists()
    control.resume(job, founder)
    wait_until(lambda: Job.objects.get().is_over, "the build to end")
    assert Job.objects.get().status == JobStatus.READY
    assert assert_paid(job, rehearsal).lost == []


def test_a_paused_build_is_stopped_and_its_sandbox_ended(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Steps")
    wait_until(lambda: session_of(job).iteration >= 3, "three turns")
    control.pause(job, founder)
    wait_until(lambda: session_of(job).state == SessionState.PAUSED, "the pause")
    control.cancel(job, founder)
    until_sandbox_ended(job)
    assert_log_ends_with_cancel(job)


def test_a_queued_build_is_stopped_before_it_has_begun(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    job = start(founder, "Steps")
    control.cancel(job, founder)
    with pytest.raises(Conflict):
        control.cancel(job, founder)
    workers.start()
    wait_until(lambda: not queued_runs(), "the queue to be empty")
    session = session_of(job)
    assert (session.state, session.sandbox_id, session.iteration) == ("cancelled", "", 0)
    assert not SpendEntry.objects.exists()


def queued_runs() -> int:
    from procrastinate.contrib.django.models import ProcrastinateJob

    return ProcrastinateJob.objects.filter(status__in=["todo", "doing"]).count()


def test_a_sandbox_that_is_lost_twice_is_replaced_and_the_build_ends_ready(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Steps")
    lost = []
    for turns in (8, 20):
        wait_until(partial(has_thought, job, turns), f"{turns} turns")
        wait_until(lambda: session_of(job).sandbox_id not in lost, "another sandbox")
        wait_until(lambda: Snapshot.objects.filter(job=job).exists(), "a snapshot")
        lost.append(session_of(job).sandbox_id)
        end_sandbox(rehearsal, lost[-1])
    wait_until(lambda: Job.objects.get().is_over, "the build to end")
    assert Job.objects.get().status == JobStatus.READY, workers.log.read_text()[-4000:]
    assert session_of(job).sandbox_id not in lost
    told = [block for row in AgentMessage.objects.filter(role="user") for block in row.content]
    assert sum("sandbox was lost" in block.get("text", "") for block in told) == 2
    assert assert_paid(job, rehearsal).lost == []


def end_sandbox(rehearsal: Rehearsal, sandbox_id: Any) -> None:
    url = f"{rehearsal.urls['e2b_api_url']}/sandboxes/{sandbox_id}"
    httpx.delete(url, headers={"X-API-KEY": rehearsal.env["E2B_API_KEY"]}).raise_for_status()
