"""The sweep finds what should run and has nobody who runs it."""

from datetime import timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.checkpoints import HEARTBEAT_SECONDS
from agents.models import AgentSession, SessionState
from agents.sweep import OVERDUE, REAP_SANDBOXES, queue_forgotten, queue_reaping, retry_stalled
from jobs import clock
from tests.races import at_once


def worker(silent_for=0):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) "
            "RETURNING id",
            [silent_for],
        )
        return cursor.fetchone()[0]


def run_by(build, worker_id):
    """The build's run, under way at this worker."""
    with connection.cursor() as cursor:
        # Flushing empties our tables; what earlier tests have queued is still there.
        cursor.execute("DELETE FROM procrastinate_jobs WHERE args->>'job_id' <> %s", [str(build.pk)])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker_id])
    run = ProcrastinateJob.objects.get()
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.WORKING, run_id=run.pk)
    return run.pk


def empty_the_queue():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def statuses():
    return list(ProcrastinateJob.objects.order_by("pk").values_list("status", flat=True))


def test_the_run_of_a_silent_worker_is_given_to_another(build):
    run = run_by(build, worker(silent_for=HEARTBEAT_SECONDS + 1))
    assert retry_stalled() == [run]
    assert statuses() == ["todo"]


def test_the_run_of_a_worker_that_nobody_knows_is_given_to_another(build):
    run = run_by(build, None)
    assert retry_stalled() == [run]


def test_the_run_of_a_living_worker_is_left_alone(build):
    run_by(build, worker(silent_for=HEARTBEAT_SECONDS - 2))
    assert retry_stalled() == []
    assert statuses() == ["doing"]


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_gives_the_run_away(build):
    run = run_by(build, None)
    assert sorted(at_once(retry_stalled, retry_stalled)) == [[], [run]]


def test_a_run_that_shall_be_aborted_is_not_given_to_another(build):
    run_by(build, None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET abort_requested = true")
    retry_stalled()
    assert statuses() == ["failed"]


@pytest.mark.parametrize("state", [SessionState.QUEUED, SessionState.WORKING])
def test_a_session_at_work_without_a_run_is_queued(build, state):
    empty_the_queue()
    AgentSession.objects.filter(pk=build.pk).update(state=state)
    assert queue_forgotten() == [build.pk]
    assert queue_forgotten() == []


def test_a_session_with_a_run_to_come_is_not_queued_again(build):
    assert queue_forgotten() == []


def test_an_overdue_sleeper_is_queued(build):
    empty_the_queue()
    overdue = clock.now() - OVERDUE - timedelta(seconds=1)
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.SLEEPING, wake_at=overdue)
    assert queue_forgotten() == [build.pk]


@pytest.mark.parametrize(
    "state", [SessionState.PAUSED, SessionState.WAITING_FOR_INPUT, SessionState.CANCELLED]
)
def test_what_rests_or_is_over_is_left_alone(build, state):
    empty_the_queue()
    AgentSession.objects.filter(pk=build.pk).update(state=state)
    assert queue_forgotten() == []


@pytest.mark.django_db(transaction=True)
async def test_however_many_workers_look_for_needless_sandboxes_one_look_is_queued():
    for _ in range(3):
        await queue_reaping()
    assert await ProcrastinateJob.objects.filter(task_name=REAP_SANDBOXES).acount() == 1
