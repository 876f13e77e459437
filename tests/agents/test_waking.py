"""An agent wakes once, at its time, and the model is told about it, whichever worker takes the run."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions import control
from agents.checkpoint import step
from agents.models import AgentSession, SessionState
from agents.session.claim import Claim, claim, has_slept, load
from agents.session.rest import Rest, put_to_rest
from agents.turns import note
from jobs import clock
from jobs.models import Job
from tests.agents.claims import claim_of
from tests.races import at_once


def claimed(build: Job, run_id: int) -> tuple[Claim, AgentSession]:
    """The claim of a run that no living worker executes, and the session as the run found it."""
    owner = claim_of(build, run_id)
    return owner, load(owner)[0]


def sleep(build: Job) -> None:
    owner, _ = claimed(build, 1)
    step.begin(owner, [note("start", "Begin.")])
    put_to_rest(owner, Rest(SessionState.SLEEPING, "Enough for today.", clock.now() - timedelta(seconds=1)))


def test_who_wakes_an_agent_tells_the_model(build: Job) -> None:
    sleep(build)
    assert has_slept(*claimed(build, 2))


def test_the_wake_of_a_worker_that_died_before_it_told_is_told_by_the_next(build: Job) -> None:
    sleep(build)
    claimed(build, 2)
    assert has_slept(*claimed(build, 3))


def test_a_wake_that_was_told_is_not_told_again(build: Job) -> None:
    sleep(build)
    owner, _ = claimed(build, 2)
    step.begin(owner, [note("wake", "A new day has begun.")])
    assert not has_slept(*claimed(build, 3))


def test_an_agent_that_never_slept_is_told_nothing_of_it(build: Job) -> None:
    assert not has_slept(*claimed(build, 1))


def test_the_new_day_s_tool_calls_are_counted_from_its_claim_on(build: Job) -> None:
    sleep(build)
    AgentSession.objects.filter(pk=build.pk).update(tool_calls=149)
    claimed(build, 2)
    assert AgentSession.objects.get(pk=build.pk).tool_calls == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_midnight_one_wakes_the_agent(build: Job) -> None:
    with transaction.atomic():
        sleep(build)

    def wake(run_id: int) -> Claim | None:
        with transaction.atomic():
            return claim(build.pk, run_id)

    # A task in progress on a living worker is not taken from it.
    owners = at_once(*[partial(wake, living_run(build)) for _ in range(6)])
    assert sum(owner is not None for owner in owners) == 1
    assert build.events.filter(type="agent.waking").count() == 1
    ProcrastinateJob.objects.all().delete()


def living_run(build: Job) -> int:
    """A run of the build, in progress on a worker that has just sent a heartbeat."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
        worker = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id) "
            "VALUES ('agents', 'agents.run', '{}', 'doing', %s) RETURNING id",
            [worker],
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize("early", [timedelta(seconds=2), timedelta(hours=5)])
def test_nobody_wakes_an_agent_before_its_time(build: Job, early: timedelta) -> None:
    sleep(build)
    AgentSession.objects.filter(pk=build.pk).update(wake_at=clock.now() + early)
    assert claim(build.pk, 2) is None
    assert AgentSession.objects.get(pk=build.pk).state == SessionState.SLEEPING


def test_where_auto_wake_is_off_only_a_person_wakes(build: Job) -> None:
    owner, _ = claimed(build, 1)
    put_to_rest(owner, Rest(SessionState.SLEEPING, "Enough for today.", None))
    assert claim(build.pk, 2) is None
    control.wake(build, build.project.owner)
    assert claim(build.pk, 3) is not None
