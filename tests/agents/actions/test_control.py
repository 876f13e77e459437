from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions import control
from agents.budget import ledger
from agents.models import AgentSession, SessionState, SpendEntry
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock
from jobs.briefs import BadBrief
from jobs.errors import CofounderError, Conflict
from jobs.models import FounderMessage, Job
from tests.races import at_once

ALL = set(SessionState)
ASLEEP = {SessionState.SLEEPING, SessionState.BUDGET_EXCEEDED}
AT_ONCE = ASLEEP | {SessionState.QUEUED, SessionState.WAITING_FOR_INPUT}


def put(build: Job, state: Any, **fields: Any) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=state, **fields)


def session_of(build: Job) -> AgentSession:
    return AgentSession.objects.get(pk=build.pk)


def states(build: Job) -> list[tuple[Any, Any]]:
    events = build.events.filter(type="agent.state")
    return [(event.payload["previous"], event.payload["state"]) for event in events]


def runs() -> int:
    return ProcrastinateJob.objects.filter(task_name="agents.run", status="todo").count()


@pytest.mark.parametrize("state", sorted(ASLEEP))
def test_waking_a_sleeper_makes_it_due_and_queues_a_run(build: Job, founder: User, state: Any) -> None:
    put(build, state, wake_at=clock.now() + timedelta(hours=5))
    control.wake(build, founder)
    wake_at = session_of(build).wake_at
    assert wake_at is not None
    assert wake_at <= clock.now()
    assert runs() == 2


@pytest.mark.parametrize("state", sorted(ALL - ASLEEP))
def test_nothing_but_a_sleeper_can_be_woken(build: Job, founder: User, state: Any) -> None:
    put(build, state)
    with pytest.raises(Conflict, match="Only a sleeping agent"):
        control.wake(build, founder)
    assert runs() == 1


@pytest.mark.parametrize("state", sorted(AT_ONCE))
def test_an_agent_that_does_not_work_is_paused_at_once(build: Job, founder: User, state: Any) -> None:
    put(build, state, wake_at=clock.now())
    control.pause(build, founder)
    session = session_of(build)
    assert (session.state, session.wake_at) == ("paused", None)
    assert states(build) == [(state, "paused")]


def test_a_working_agent_is_paused_after_its_step(build: Job, founder: User) -> None:
    put(build, SessionState.WORKING)
    control.pause(build, founder)
    session = session_of(build)
    assert (session.state, session.pause_requested) == ("working", True)


@pytest.mark.parametrize("state", sorted(ALL - AT_ONCE - {SessionState.WORKING}))
def test_what_is_paused_or_over_cannot_be_paused(build: Job, founder: User, state: Any) -> None:
    put(build, state)
    with pytest.raises(Conflict, match="cannot be paused"):
        control.pause(build, founder)


def test_a_paused_agent_resumes_in_the_queue(build: Job, founder: User) -> None:
    put(build, SessionState.PAUSED)
    control.resume(build, founder)
    assert states(build) == [("paused", "queued")]
    assert runs() == 2


def test_a_pause_that_has_not_begun_is_taken_back(build: Job, founder: User) -> None:
    put(build, SessionState.WORKING, pause_requested=True)
    control.resume(build, founder)
    assert not session_of(build).pause_requested


@pytest.mark.parametrize("state", sorted(ALL - {SessionState.PAUSED}))
def test_only_a_paused_agent_can_be_resumed(build: Job, founder: User, state: Any) -> None:
    put(build, state)
    with pytest.raises(Conflict, match="Only a paused build"):
        control.resume(build, founder)


def test_cancelling_ends_job_session_and_questions_and_fences_the_worker(build: Job, founder: User) -> None:
    put(build, SessionState.WORKING, epoch=3)
    ask(build)
    control.cancel(build, founder)
    session = session_of(build)
    build.refresh_from_db()
    assert (build.status, session.state, session.epoch) == ("cancelled", "cancelled", 4)
    assert build.escalations.get().status == "skipped"
    assert states(build) == [("working", "cancelled")]


def test_cancelling_asks_the_queue_to_abort_the_run(build: Job, founder: User) -> None:
    run = ProcrastinateJob.objects.get(task_name="agents.run")
    put(build, SessionState.WORKING, run_id=run.pk)
    control.cancel(build, founder)
    assert app.job_manager.get_job_status(run.pk).value == "cancelled"
    assert runs() == 1  # the task that ends the sandbox


def test_cancelling_gives_the_reserved_money_back(build: Job, founder: User) -> None:
    ledger.reserve(session_of(build), 1000)
    control.cancel(build, founder)
    assert SpendEntry.objects.get().status == "released"
    today = ledger.today_of(founder.pk)
    assert today is not None
    assert today.reserved_microdollars == 0


def test_a_build_that_is_over_cannot_be_cancelled(build: Job, founder: User) -> None:
    control.cancel(build, founder)
    with pytest.raises(Conflict, match="over already"):
        control.cancel(build, founder)


@pytest.mark.django_db(transaction=True)
def test_of_two_cancels_at_once_one_is_refused(build: Job, founder: User) -> None:
    results = at_once(lambda: control.cancel(build, founder), lambda: control.cancel(build, founder))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    assert session_of(build).epoch == 1


def test_a_message_is_kept_and_shown(build: Job, founder: User) -> None:
    message = control.send_message(build, "  Blue, please. ", founder)
    assert (message.text, message.delivered_at) == ("Blue, please.", None)
    event = build.events.get(type="agent.message")
    assert event.payload == {"text": "Blue, please.", "author": "founder"}
    assert runs() == 1


def test_a_message_wakes_an_agent_that_waits(build: Job, founder: User) -> None:
    put(build, SessionState.WAITING_FOR_INPUT)
    control.send_message(build, "Go on without it", founder)
    assert states(build) == [("waiting_for_input", "queued")]
    assert runs() == 2


@pytest.mark.parametrize(
    ("text", "refusal"), [("a" * 10_001, BadBrief), ("a\x00", BadBrief), ("  ", CofounderError)]
)
def test_an_unusable_message_is_refused(
    build: Job, founder: User, text: str, refusal: type[BadBrief] | type[CofounderError]
) -> None:
    with pytest.raises(refusal):
        control.send_message(build, text, founder)
    assert not FounderMessage.objects.exists()


def test_a_message_to_a_finished_build_is_refused(build: Job, founder: User) -> None:
    control.cancel(build, founder)
    with pytest.raises(Conflict, match="is over"):
        control.send_message(build, "hello", founder)


def ask(build: Job) -> AgentEscalation:
    return AgentEscalation.objects.create(
        session_id=build.pk,
        job=build,
        project=build.project,
        error_type="code_error",
        error_signature="s",
        plain_english_problem="Which way?",
        created_at=clock.now(),
    )
