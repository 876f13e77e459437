"""From a founder's brief to a running app, through the queue, a worker, the model and the sandbox."""

import json
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from agents.actions.start import start_build
from agents.models import AgentMessage, AgentSession, SessionState, SpendEntry
from agents.preview import promise_checks
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus, Phase, Project
from jobs.verdicts import Verdict
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.transcripts import as_messages

pytestmark = pytest.mark.timeout(400)
BRIEFS = Path("rehearsal") / "briefs"


def start(founder: User, brief: Any) -> Any:
    job, _ = start_build(create_project(owner=founder, **brief))
    return job


def brief_named(name: str) -> Any:
    return json.loads((settings.BASE_DIR / BRIEFS / f"{name}.json").read_text())


NOT_FOR_A_SCRIPT = 'a form for "new" ones & <more>'
PLAIN: dict[str, Any] = {
    "name": "Uniform Swap",
    "goal": "One school by September",
    "idea_brief": {"must_have": ["a list of uniforms", NOT_FOR_A_SCRIPT]},
    "interview": [{"question": "Who may see it?", "answer": "Everyone with the link."}],
}


def is_over(job: Job) -> Any:
    return Job.objects.get(pk=job.pk).is_over


def is_over_once_answered(job: Job) -> Any:
    """Whether the build is over; whatever it asks is answered."""
    answer_all(job)
    return is_over(job)


def answer_all(job: Job) -> None:
    for question in AgentEscalation.objects.filter(job=job, status=AgentEscalation.Status.PENDING):
        resolve(question.pk, decision="by_name", by=job.project.owner)


def until_ready(job: Job, workers: Workers) -> None:
    wait_until(lambda: is_over_once_answered(job), f"the build to end; {workers.log.read_text()[-2000:]}")
    job.refresh_from_db()
    assert job.status == JobStatus.READY, (job.status_message, workers.log.read_text()[-3000:])


def calls_and_results(job: Job) -> tuple[list[Any], list[Any]]:
    """The ids of all tool calls, and of all results, in the order of the transcript."""
    blocks = [block for message in AgentMessage.objects.filter(session=job.pk) for block in message.content]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    return calls, results


def test_a_brief_becomes_an_app_that_answers(founder: User, workers: Workers, rehearsal: Rehearsal) -> None:
    workers.start()
    job = start(founder, PLAIN)
    until_ready(job, workers)
    page = ask(job.preview_url)
    assert "Uniforms" in page
    assert "&lt;more&gt;" in page.partition("Asked for, and not built")[2]
    assert Project.objects.get().stage == Project.Stage.MVP_BUILT
    assert set(Phase.objects.values_list("status", flat=True)) == {Phase.Status.DONE}
    assert AgentSession.objects.get().state == SessionState.COMPLETED


def ask(url: Any) -> str:
    """Fetch the page as a browser does: *.localhost is this machine."""
    address = httpx.URL(url)
    return httpx.get(address.copy_with(host="127.0.0.1"), headers={"Host": address.netloc.decode()}).text


def test_the_transcript_and_the_ledger_are_what_the_provider_saw(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    from rehearsal.anthropic_api.validation import validate_request

    workers.start()
    job = start(founder, PLAIN)
    until_ready(job, workers)
    rows = AgentMessage.objects.filter(session=job.pk).values_list("role", "content")
    asked = as_messages(rows)[:-1]  # the last row is the model's own final message
    request = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": asked}
    assert validate_request(request) == []
    calls, results = calls_and_results(job)
    assert calls == results
    spend = SpendEntry.objects.filter(session=job.pk)
    assert set(spend.values_list("status", flat=True)) <= {
        SpendEntry.Status.SETTLED,
        SpendEntry.Status.RELEASED,
    }
    assert sum(spend.values_list("cost_microdollars", flat=True)) == rehearsal.billed(job.pk)
    assert AgentSession.objects.get().cost_microdollars == rehearsal.billed(job.pk)


def test_the_log_has_no_gap_and_tells_the_story_in_order(founder: User, workers: Workers) -> None:
    workers.start()
    job = start(founder, PLAIN)
    until_ready(job, workers)
    events = list(job.events.all())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    moves = [event.payload["status"] for event in events if event.type == EventType.JOB_STATUS]
    assert moves == ["queued", "starting", "scaffold", "code", "deps", "checks", "ready"]
    found = [event.payload for event in events if event.type == EventType.CHECK_FINISHED]
    assert [(check["promise"], check["verdict"]) for check in found] == [
        (promise_checks.PAGE, Verdict.KEPT),
        ("a list of uniforms", Verdict.KEPT),
        (NOT_FOR_A_SCRIPT, Verdict.NOT_JUDGED),
    ]
    assert job.status_message == "It is ready. A rehearsal script built it, and 1 promise was not judged."


@pytest.mark.parametrize(
    ("change", "verdict"),
    [("Please add a filter by size.", Verdict.KEPT), ("Ring me when a size is missing.", Verdict.NOT_JUDGED)],
)
def test_a_change_is_made_and_proven_or_said_to_be_left_undone(
    founder: User, workers: Workers, change: str, verdict: Verdict
) -> None:
    workers.start()
    first = start(founder, PLAIN)
    until_ready(first, workers)
    job = start_build(first.project, goal=change)[0]
    until_ready(job, workers)
    found = {
        event.payload["promise"]: event.payload["verdict"]
        for event in job.events.filter(type=EventType.CHECK_FINISHED)
    }
    assert found[change] == verdict
    told = " ".join(event.payload["text"] for event in job.events.filter(type=EventType.AGENT_NARRATION))
    assert ("cannot do this" in told) is (verdict == Verdict.NOT_JUDGED)


def test_a_model_that_is_no_rehearsal_must_prove_every_promise(founder: User, workers: Workers) -> None:
    """The same answers on the wire: only the setting of the worker says whether a script gives them."""
    workers._env["REHEARSED_MODEL"] = "false"
    workers.start()
    job = start(founder, PLAIN)

    def first_failure() -> Any:
        answer_all(job)
        return job.events.filter(type=EventType.CHECK_FINISHED, payload__ok=False).first()

    failed = wait_until(first_failure, "a check to fail")
    assert (failed.payload["promise"], failed.payload["verdict"]) == (NOT_FOR_A_SCRIPT, Verdict.NOT_KEPT)
    assert not Job.objects.filter(pk=job.pk, status=JobStatus.READY).exists()


def test_a_killed_worker_s_build_goes_on_in_another(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    first = workers.start()
    job = start(founder, PLAIN)
    wait_until(lambda: AgentSession.objects.get().iteration >= 3, "three iterations")
    workers.end(first, signal.SIGKILL)
    workers.start()
    until_ready(job, workers)
    calls, results = calls_and_results(job)
    assert calls == results
    assert len(set(calls)) == len(calls)


def test_a_worker_that_is_asked_to_stop_hands_its_build_over(founder: User, workers: Workers) -> None:
    first = workers.start()
    job = start(founder, PLAIN)
    wait_until(lambda: AgentSession.objects.get().iteration >= 2, "two iterations")
    assert workers.end(first, signal.SIGTERM) == 0
    assert AgentSession.objects.get().state in (SessionState.QUEUED, SessionState.COMPLETED)
    workers.start()
    until_ready(job, workers)


def test_a_day_s_budget_puts_the_agent_to_sleep_and_midnight_wakes_it(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    clock.move(clock.next_midnight(clock.now()))
    workers.start()
    job = start(founder, brief_named("borrow-shelf"))
    session = wait_until(lambda: AgentSession.objects.filter(state=SessionState.SLEEPING).first(), "sleep")
    assert session.wake_at == clock.next_midnight(clock.now())
    clock.move(session.wake_at - timedelta(seconds=1))
    answer_every_question(founder)
    until_ready_answering(job, workers, founder)
    woken = [event.type for event in job.events.all() if event.type in (EventType.SLEEPING, EventType.WAKING)]
    assert woken == [EventType.SLEEPING, EventType.WAKING]
    assert sum(SpendEntry.objects.values_list("cost_microdollars", flat=True)) == rehearsal.billed(job.pk)


def answer_every_question(founder: User) -> None:
    for question in AgentEscalation.objects.filter(status=AgentEscalation.Status.PENDING):
        resolve(question.pk, decision=question.options[0]["value"], by=founder)


def until_ready_answering(job: Job, workers: Workers, founder: User) -> None:
    def answered() -> Any:
        answer_every_question(founder)
        return is_over(job)

    wait_until(answered, "the build to end")
    until_ready(job, workers)
    assert not AgentEscalation.objects.filter(
        status=AgentEscalation.Status.RESOLVED, delivered_at=None
    ).exists()


def test_a_provider_that_stumbles_costs_no_attempt(
    founder: User, workers: Workers, rehearsal: Rehearsal
) -> None:
    rehearsal.fail_with({"kind": "overloaded", "times": 2}, {"kind": "cut", "times": 1})
    workers.start()
    job = start(founder, PLAIN)
    until_ready(job, workers)
    assert job.events.filter(type=EventType.PROVIDER_WAIT).count() >= 3
    assert sum(SpendEntry.objects.values_list("cost_microdollars", flat=True)) == rehearsal.billed(job.pk)
