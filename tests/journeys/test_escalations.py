"""When it is stuck: real attempts, a plain question, an answer delivered once, and what is done with it.

A scripted model fails in every category, with real workers; what it is sent is checked at the provider.
"""

import json
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from rest_framework.test import APIClient

from agents.actions import control, money
from agents.actions.start import start_build
from agents.models import AgentMessage, AgentSession, PlanTier, SessionState, Snapshot
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation, ErrorSignature
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobEvent, JobStatus
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief
from tests.journeys.stuck_plays import KEY, KEY_NAME, write_plays

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
WORDS = "Ages, as on the label: 5-6 & <7-8>."


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


def until(job: Job, state: SessionState, workers: Workers) -> None:
    wait_until(
        lambda: session_of(job).state == state or Job.objects.get(pk=job.pk).status == JobStatus.FAILED,
        f"{state}; {workers.log.read_text()[-1500:] if workers.log.exists() else ''}",
    )
    assert session_of(job).state == state, Job.objects.get(pk=job.pk).status_message


def until_ready(job: Job, workers: Workers) -> None:
    until(job, SessionState.COMPLETED, workers)
    assert Job.objects.get(pk=job.pk).status == JobStatus.READY


def question_of(job: Job) -> Any:
    return wait_until(lambda: AgentEscalation.objects.filter(job=job, status="pending").first(), "a question")


def heard(rehearsal: Rehearsal, job: Job) -> Any:
    """What the provider was sent besides tool results, in the conversation's latest form."""
    url = f"{rehearsal.urls['anthropic_url']}/rehearsal/heard"
    return httpx.get(url, params={"user_id": str(job.pk)}).json()["latest"]


def times_heard(rehearsal: Rehearsal, job: Job, words: Any) -> int:
    return sum(text.count(words) for text in heard(rehearsal, job))


def as_told(words: str) -> Any:
    """Text as it appears in a note."""
    return json.dumps(words, ensure_ascii=False)[1:-1].replace("<", "\\u003c")


def assert_heard_once_and_receipted(rehearsal: Rehearsal, job: Job, question: AgentEscalation) -> None:
    assert times_heard(rehearsal, job, as_told(question.founder_guidance)) == 1
    question.refresh_from_db()
    assert question.delivered_at is not None
    receipt = JobEvent.objects.get(job=job, type=EventType.ESCALATION_RESOLVED)
    assert receipt.payload["escalation_id"] == str(question.pk)
    assert JobEvent.objects.filter(job=job, type=EventType.TOOL_FINISHED, seq__gt=receipt.seq).exists()


def test_every_category_is_tried_as_it_should_be_and_the_fifth_question_pauses(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Trouble")
    until(job, SessionState.PAUSED, workers)
    asked = list(AgentEscalation.objects.filter(job=job).order_by("created_at"))
    assert [(one.error_type, len(one.attempts_summary)) for one in asked] == [
        ("code_error", 3),
        ("env_error", 3),
        ("authentication", 1),
        ("permission", 1),
        ("rate_limit", 1),
    ]
    tried = [
        (event.payload["attempt"], event.payload["of"])
        for event in job.events.filter(type=EventType.AGENT_RETRYING)
    ]
    assert tried == [(1, 3), (2, 3), (1, 3), (2, 3)]
    for one in asked:
        told = " ".join([one.plain_english_problem, one.recommended_action, *one.attempts_summary])
        assert not any(word in told for word in ("Error", "Traceback", "/", "fatal", "curl:"))
        assert 2 <= len(one.options) <= 3
    assert job.events.filter(type=EventType.BUILD_PAUSED).count() == 1
    for number, one in enumerate(asked):
        resolve(one.pk, decision="provide_guidance", guidance=f"Answer number {number}.", by=founder)
    assert session_of(job).state == SessionState.PAUSED  # answers alone do not resume it
    control.resume(job, founder)
    until_ready(job, workers)
    assert [times_heard(rehearsal, job, f"Answer number {number}.") for number in range(5)] == [1] * 5
    assert not ErrorSignature.objects.exclude(attempts=[]).exists()


def test_a_missing_key_is_asked_for_at_once_and_reaches_the_command_alone(
    founder: User, workers: Workers, rehearsal: Rehearsal, api: APIClient
) -> None:
    workers.start()
    job = start(founder, "Keys")
    until(job, SessionState.WAITING_FOR_INPUT, workers)
    question = question_of(job)
    assert (question.error_type, len(question.attempts_summary)) == ("missing_credentials", 1)
    assert KEY_NAME in question.plain_english_problem
    assert not job.events.filter(type=EventType.AGENT_RETRYING).exists()
    body = {"decision": "provide_credentials", "guidance": WORDS, "secrets": {KEY_NAME: KEY}}
    assert api.post(f"/api/escalations/{question.pk}/resolve", body).status_code == 200
    question.refresh_from_db()
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)
    outputs = job.events.filter(type=EventType.TOOL_FINISHED).values_list("payload", flat=True)
    assert any("paid with [secret]" in payload["excerpt"] for payload in outputs)
    saved = job.events.filter(type=EventType.SNAPSHOT_UPDATED).values_list("payload", flat=True)
    assert any(payload.get("left_out") == [".env"] for payload in saved)
    newest = Snapshot.objects.filter(job=job).first()
    assert newest is not None
    assert ".env" not in {file["path"] for file in newest.manifest}
    pages = [api.get(f"/api/jobs/{job.pk}/{name}").text for name in ("events", "transcript", "escalations")]
    pages += [api.get(f"/builds/{job.pk}").text, workers.log.read_text(), "\n".join(heard(rehearsal, job))]
    assert not any(KEY in page for page in [*pages, everything_stored()])


def everything_stored() -> str:
    """Every row of our tables, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ "
            "'^(jobs|agents|escalations|procrastinate|django)_'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
    assert any("paid with [secret]" in row for row in rows)
    return "\n".join(rows)


def test_an_answer_while_the_agent_works_is_heard_before_its_next_turn(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Asks")
    question = question_of(job)
    iteration = session_of(job).iteration
    question = resolve(question.pk, decision="ages", guidance=WORDS, by=founder)
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)
    rows = AgentMessage.objects.filter(session=job.pk, role="user")
    position = next(row.position for row in rows if as_told(WORDS) in row.content[0].get("text", ""))
    turns_before = AgentMessage.objects.filter(
        session=job.pk, role="assistant", position__lt=position
    ).count()
    assert turns_before <= iteration + 2
    assert not any(state.payload["state"] == SessionState.WAITING_FOR_INPUT for state in states_of(job))


def states_of(job: Job) -> Any:
    return job.events.filter(type=EventType.AGENT_STATE)


def test_an_answer_to_a_waiting_agent_sets_it_to_work(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Asks")
    until(job, SessionState.WAITING_FOR_INPUT, workers)
    assert AgentSession.objects.get().run_id is None
    question = resolve(question_of(job).pk, decision="ages", guidance=WORDS, by=founder)
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)


@pytest.mark.parametrize("killed_first", [True, False], ids=["before the answer", "right after it"])
def test_an_answer_around_a_crash_is_heard_once(
    founder: User, workers: Workers, rehearsal: Rehearsal, killed_first: bool
) -> None:
    worker = workers.start()
    job = start(founder, "Asks")
    question = question_of(job)
    if killed_first:
        workers.end(worker, signal.SIGKILL)
    question = resolve(question.pk, decision="ages", guidance=WORDS, by=founder)
    if not killed_first:
        workers.end(worker, signal.SIGKILL)
    workers.start()
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)


def test_an_answer_to_a_sleeping_agent_is_heard_when_it_wakes(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    clock.move(clock.next_midnight(clock.now()))
    workers.start()
    job = start(founder, "Asks")
    question = question_of(job)
    money.set_today(founder, 0, by=founder)
    asleep = {SessionState.SLEEPING, SessionState.BUDGET_EXCEEDED}
    wait_until(lambda: session_of(job).state in asleep, "sleep")
    question = resolve(question.pk, decision="ages", guidance=WORDS, by=founder)
    wait_until(lambda: not queued_now(), "the run that the answer queued")
    assert session_of(job).state in asleep
    assert times_heard(rehearsal, job, as_told(WORDS)) == 0
    wake_at = session_of(job).wake_at
    assert wake_at is not None
    clock.move(wake_at + timedelta(seconds=1))
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)


def queued_now() -> bool:
    from procrastinate.contrib.django.models import ProcrastinateJob

    return ProcrastinateJob.objects.filter(
        task_name="agents.run", status__in=["todo", "doing"], scheduled_at=None
    ).exists()


def test_a_promise_that_fails_three_times_is_a_question(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Promise")
    until(job, SessionState.WAITING_FOR_INPUT, workers)
    question = question_of(job)
    assert question.error_type == "checks_failed"
    assert "notes are kept" in question.plain_english_problem
    question = resolve(question.pk, decision="keep_trying", guidance=WORDS, by=founder)
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)


def test_circles_are_steered_once_and_then_a_question(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    job = start(founder, "Circles")
    until(job, SessionState.WAITING_FOR_INPUT, workers)
    question = question_of(job)
    assert question.error_type == "repetition"
    assert times_heard(rehearsal, job, '<note kind="steer">') == 1
    question = resolve(question.pk, decision="change_course", guidance=WORDS, by=founder)
    until_ready(job, workers)
    assert_heard_once_and_receipted(rehearsal, job, question)
    assert times_heard(rehearsal, job, "Change course: I leave this way") == 1


def test_the_cap_is_a_question_and_going_on_means_as_many_steps_again(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    PlanTier.objects.filter(slug="bootstrapper").update(max_tool_calls=5)
    workers.start()
    job = start(founder, "Asks")
    until(job, SessionState.WAITING_FOR_INPUT, workers)
    calls = session_of(job).tool_calls
    capped = AgentEscalation.objects.get(job=job, error_type="tool_call_cap")
    assert "up to 5 more steps" in capped.options[0]["description"]
    resolve(capped.pk, decision="go_on", by=founder)
    wait_until(
        lambda: AgentEscalation.objects.filter(job=job, error_type="tool_call_cap").count() == 2, "more"
    )
    assert (calls, session_of(job).tool_calls) == (5, 5)
    again = AgentEscalation.objects.get(job=job, error_type="tool_call_cap", status="pending")
    resolve(again.pk, decision="stop_here", by=founder)
    until(job, SessionState.PAUSED, workers)
    assert "as you chose" in states_of(job).last().payload["reason"]
    control.resume(job, founder)
    wait_until(
        lambda: AgentEscalation.objects.filter(job=job, error_type="tool_call_cap").count() == 3, "more"
    )


def test_a_change_is_built_on_the_newest_files_with_what_was_decided(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    workers.start()
    first = start(founder, "Asks")
    resolve(question_of(first).pk, decision="ages", guidance=WORDS, by=founder)
    until_ready(first, workers)
    job, _ = start_build(first.project, goal="Make it <blue>, please.")
    resolve(question_of(job).pk, decision="letters", by=founder)
    until_ready(job, workers)
    told = heard(rehearsal, job)
    assert "as the last build left it" in told[0]
    assert times_heard(rehearsal, job, as_told("Make it <blue>, please.")) == 1
    restored = job.events.get(type=EventType.SNAPSHOT_RESTORED)
    assert "work.txt" in restored.payload["files"]
    assert as_told(WORDS) in session_of(job).system_prompt
    assert Snapshot.objects.filter(job=job, reason=Snapshot.Reason.FINAL).exists()
