"""The sweep re-queues sessions that should be running but have no worker."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.budget import ledger
from agents.budget.reconciliation import release_orphans
from agents.database import in_transaction
from agents.models import AgentSession, DailyBudget, SessionState, SpendEntry
from agents.worker.sweep import OVERDUE, REAP_SANDBOXES, keep_sweeping, queue_forgotten, queue_reaping
from jobs import clock
from jobs.models import Job
from jobs.queue import ERRANDS, HEARTBEAT_SECONDS, QUEUES, retry_stalled
from tests.races import at_once


def worker(silent_for: int = 0) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) "
            "RETURNING id",
            [silent_for],
        )
        return cursor.fetchone()[0]


def run_by(build: Job, worker_id: Any) -> Any:
    """The build's run, in progress on this worker."""
    with connection.cursor() as cursor:
        # Flushing empties only our own tables; tasks that earlier tests queued are still there.
        cursor.execute("DELETE FROM procrastinate_jobs WHERE args->>'job_id' <> %s", [str(build.pk)])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker_id])
    run = ProcrastinateJob.objects.get()
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.WORKING, run_id=run.pk)
    return run.pk


def empty_the_queue() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def statuses() -> list[Any]:
    return list(ProcrastinateJob.objects.order_by("pk").values_list("status", flat=True))


def test_the_run_of_a_silent_worker_is_re_queued(build: Job) -> None:
    run = run_by(build, worker(silent_for=HEARTBEAT_SECONDS + 1))
    assert retry_stalled() == [run]
    assert statuses() == ["todo"]


def test_the_run_of_an_unknown_worker_is_re_queued(build: Job) -> None:
    run = run_by(build, None)
    assert retry_stalled() == [run]


def test_the_run_of_a_living_worker_is_left_alone(build: Job) -> None:
    run_by(build, worker(silent_for=HEARTBEAT_SECONDS - 2))
    assert retry_stalled() == []
    assert statuses() == ["doing"]


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_re_queues_the_run(build: Job) -> None:
    run = run_by(build, None)
    assert sorted(at_once(retry_stalled, retry_stalled)) == [[], [run]]


def test_a_run_that_is_to_be_aborted_is_not_re_queued(build: Job) -> None:
    run_by(build, None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET abort_requested = true")
    retry_stalled()
    assert statuses() == ["failed"]


@pytest.mark.parametrize("state", [SessionState.QUEUED, SessionState.WORKING])
def test_a_session_at_work_without_a_run_is_queued(build: Job, state: SessionState) -> None:
    empty_the_queue()
    AgentSession.objects.filter(pk=build.pk).update(state=state)
    assert queue_forgotten() == [build.pk]
    assert queue_forgotten() == []


def test_a_session_with_a_run_to_come_is_not_queued_again(build: Job) -> None:
    assert queue_forgotten() == []


def test_an_overdue_sleeper_is_queued(build: Job) -> None:
    empty_the_queue()
    overdue = clock.now() - OVERDUE - timedelta(seconds=1)
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.SLEEPING, wake_at=overdue)
    assert queue_forgotten() == [build.pk]


@pytest.mark.parametrize(
    "state", [SessionState.PAUSED, SessionState.WAITING_FOR_INPUT, SessionState.CANCELLED]
)
def test_what_is_inactive_or_over_is_left_alone(build: Job, state: SessionState) -> None:
    empty_the_queue()
    AgentSession.objects.filter(pk=build.pk).update(state=state)
    assert queue_forgotten() == []


@pytest.mark.django_db(transaction=True)
async def test_however_many_workers_check_for_unused_sandboxes_one_check_is_queued() -> None:
    for _ in range(3):
        await queue_reaping()
    assert await in_transaction(ProcrastinateJob.objects.filter(task_name=REAP_SANDBOXES).count) == 1


def task_of_dead_worker(name: str, queue: Any = ERRANDS, **fields: Any) -> Any:
    """A task of any kind whose worker is dead; returns its number in the queue."""
    run = app.configure_task(name, queue=queue, allow_unknown=True, **fields).defer()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [run])
    return run


@pytest.mark.parametrize("queue", QUEUES)
def test_every_kind_of_task_of_a_dead_worker_is_re_queued(db: None, queue: Any) -> None:
    run = task_of_dead_worker("agents.some_task", queue)
    assert retry_stalled() == [run]
    assert statuses() == ["todo"]


def test_a_task_that_is_queued_already_replaces_the_dead_one(db: None) -> None:
    dead = [task_of_dead_worker("agents.show_app", queueing_lock="show") for _ in range(2)]
    run = app.configure_task("agents.show_app", queue=ERRANDS, queueing_lock="show").defer()
    other = task_of_dead_worker("agents.notify")
    assert sorted(retry_stalled()) == [*dead, other]
    assert dict(ProcrastinateJob.objects.values_list("pk", "status")) == {
        **dict.fromkeys(dead, "failed"),
        run: "todo",
        other: "todo",
    }


def test_of_two_dead_tasks_with_one_lock_the_newer_is_re_queued(db: None) -> None:
    dead = [task_of_dead_worker("agents.show_app", queueing_lock="show") for _ in range(2)]
    assert sorted(retry_stalled()) == dead
    assert statuses() == ["failed", "todo"]


@transaction.atomic
def grants(build: Job, count: int = 2) -> None:
    """The reservations of a session whose run died."""
    session = AgentSession.objects.get(pk=build.pk)
    for _ in range(count):
        ledger.reserve(session, 0)
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.SLEEPING)


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_each_dead_run_s_reservation_is_released_once(build: Job) -> None:
    grants(build)
    released = at_once(release_orphans, release_orphans)
    assert sorted(len(part) for part in released) in ([0, 2], [1, 1])
    assert DailyBudget.objects.get().reserved_microdollars == 0
    assert set(SpendEntry.objects.values_list("status", flat=True)) == {"released"}


@pytest.mark.django_db(transaction=True)
def test_a_call_that_is_reserved_beside_the_sweep_keeps_its_money(build: Job) -> None:
    """The session wakes while its old reservations are given back: only the old ones are."""
    grants(build, count=1)

    def wake() -> Any:
        with transaction.atomic():
            AgentSession.objects.filter(pk=build.pk).update(state=SessionState.WORKING)
        with transaction.atomic():
            return ledger.reserve(AgentSession.objects.get(pk=build.pk), 0)

    _, grant = at_once(release_orphans, wake)
    entry = SpendEntry.objects.get(pk=grant.entry_id)
    assert entry.status == "reserved"
    still = SpendEntry.objects.filter(status="reserved").aggregate(total=Sum("reserved_microdollars"))
    assert DailyBudget.objects.get().reserved_microdollars == still["total"]


@pytest.mark.django_db(transaction=True)
async def test_the_sweep_releases_the_reservations_of_dead_runs(build: Job) -> None:
    await in_transaction(grants, build)
    sweeping = asyncio.create_task(keep_sweeping())
    try:
        for _ in range(100):
            if not await in_transaction(SpendEntry.objects.filter(status="reserved").exists):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("nothing was given back")
    finally:
        sweeping.cancel()
