"""What is read in the queue's tables, and with how many questions."""

from datetime import timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import DjangoAssertNumQueries

from jobs import queue

pytestmark = pytest.mark.django_db


def worker(silent_for: int = 0) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) "
            "RETURNING id",
            [silent_for],
        )
        return int(cursor.fetchone()[0])


def task(
    job_id: str, *, status: str = "todo", due_in: int | None = None, worker_id: int | None = None
) -> int:
    """A run that was queued ten minutes ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id, scheduled_at) "
            "VALUES ('agents', 'agents.run', jsonb_build_object('job_id', %s::text), "
            "%s::procrastinate_job_status, %s, now() + make_interval(secs => %s)) RETURNING id",
            [job_id, status, worker_id, due_in],
        )
        found = int(cursor.fetchone()[0])
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '10 minutes'")
        return found


ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize(
    ("status", "silent_for", "at_work"), [("doing", 0, True), ("doing", 20, False), ("todo", 0, False)]
)
def test_a_run_is_at_work_while_its_worker_is_heard_of(
    status: str, silent_for: int, at_work: bool, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = task(ONE, status=status, worker_id=worker(silent_for))
    with django_assert_num_queries(1):
        assert queue.is_at_work(run) is at_work
    assert not queue.is_at_work(None)


def test_workers_that_were_silent_for_longer_are_not_counted() -> None:
    worker(), worker(silent_for=20)
    assert (queue.living_workers(), queue.living_workers(silent=30)) == (1, 2)
    assert queue.has_tables()


@pytest.mark.parametrize(("due_in", "seconds"), [(None, 600), (-60, 60), (-3600, 600)])
def test_a_task_waits_since_it_was_due_and_queued(
    due_in: int | None, seconds: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = task(ONE, due_in=due_in)
    with django_assert_num_queries(1):
        waited = queue.waited(run)
    assert waited is not None
    assert 0 <= waited.total_seconds() - seconds < 30
    assert queue.waited(run + 1) is None
    with django_assert_num_queries(1):
        count, oldest = queue.backlog()
    assert count == 1
    assert 0 <= oldest.total_seconds() - seconds < 30


def test_what_is_to_come_or_under_way_is_no_backlog() -> None:
    task(ONE, due_in=3600)
    task(TWO, status="doing")
    assert queue.backlog() == (0, timedelta())


def test_a_run_long_after_now_is_no_run_to_come() -> None:
    task(ONE, due_in=3600)
    assert queue.jobs_with_a_run() == set()
    task(ONE, due_in=30)
    task(TWO, status="doing")
    task(TWO)
    assert sorted(map(str, queue.jobs_with_a_run())) == [ONE, TWO]


def test_only_what_ended_long_ago_is_removed() -> None:
    task(ONE)
    task(TWO, status="doing")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'")
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '31 days'")
    assert queue.count_ended(30) == queue.remove_ended(30) == 1
    assert ProcrastinateJob.objects.get().args["job_id"] == ONE
