from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from agents.actions.start import start_build
from agents.models import AgentSession, DailyBudget, Subscription
from cofounder.models import User
from jobs import briefs, clock
from jobs.errors import Conflict, PaymentNeeded, Unavailable
from jobs.lifecycle import move
from jobs.models import Job, JobStatus, Project
from tests.races import at_once


def test_a_start_makes_job_session_event_and_run(project: Project) -> None:
    job, created = start_build(project, goal="The list first")
    session = AgentSession.objects.get(pk=job.pk)
    assert created
    assert (job.status, job.goal, job.tier) == ("queued", "The list first", "bootstrapper")
    assert (job.build_version, job.idea_brief) == ("build_v0_1", briefs.latest_brief(project))
    assert (session.state, session.model, session.max_tool_calls) == ("queued", "claude-sonnet-5-5", 150)
    payload = {"status": "queued", "previous": "", "message": "Waiting for a worker"}
    assert [(event.type, event.payload) for event in job.events.all()] == [("job.status", payload)]
    run = ProcrastinateJob.objects.get(task_name="agents.run")
    assert run.args == {"job_id": str(job.pk)}


def test_a_second_start_is_refused_while_the_first_runs(project: Project, build: Job) -> None:
    with pytest.raises(Conflict, match="already under way"):
        start_build(project)
    assert project.jobs.count() == 1


def test_the_same_key_gives_the_same_job(project: Project) -> None:
    first, _ = start_build(project, idempotency_key="k")
    assert start_build(project, idempotency_key="k") == (first, False)
    assert ProcrastinateJob.objects.count() == 1


def test_build_numbers_count_up_in_a_project(project: Project, build: Job) -> None:
    move(build, JobStatus.CANCELLED)
    assert start_build(project)[0].build_version == "build_v0_2"


def test_a_switched_off_install_says_so(project: Project, settings: Settings) -> None:
    settings.AUTONOMOUS_AGENT = False
    with pytest.raises(Unavailable, match="switched off"):
        start_build(project)
    assert not Job.objects.exists()


def test_a_founder_without_subscription_is_asked_for_one(project: Project) -> None:
    Subscription.objects.all().delete()
    with pytest.raises(PaymentNeeded, match="no plan on this account"):
        start_build(project)


def test_a_suspended_founder_gets_a_sentence(project: Project) -> None:
    Subscription.objects.update(suspended=True)
    with pytest.raises(PaymentNeeded, match="suspended"):
        start_build(project)


def test_a_budget_of_nothing_starts_nothing(project: Project) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    with pytest.raises(PaymentNeeded, match="no money left"):
        start_build(project)


def test_a_period_that_is_spent_starts_nothing(project: Project, founder: User) -> None:
    Subscription.objects.update(renews_on=clock.today() + timedelta(days=10))
    day: dict[str, Any] = {"allowance_microdollars": 2_000_000, "spent_microdollars": 60_000_000}
    DailyBudget.objects.create(user=founder, day=clock.today() - timedelta(days=1), **day)
    with pytest.raises(PaymentNeeded, match="no money left"):
        start_build(project)


def test_a_used_up_day_is_no_reason_to_refuse(project: Project, founder: User) -> None:
    day: dict[str, Any] = {"allowance_microdollars": 2_000_000, "spent_microdollars": 2_000_000}
    DailyBudget.objects.create(user=founder, day=clock.today(), **day)
    assert start_build(project)[1]


@pytest.mark.django_db(transaction=True)
def test_of_two_starts_at_once_one_wins(project: Project) -> None:
    results = at_once(lambda: start_build(project), lambda: start_build(project))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "tuple"]
    assert project.jobs.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one_job(project: Project) -> None:
    one, two = at_once(*[lambda: start_build(project, idempotency_key="k")] * 2)
    assert one[0] == two[0]
    assert {one[1], two[1]} == {True, False}
