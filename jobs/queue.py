"""The queue: the one call upwards, asking by task name to run an agent, and everything we read in its tables.

Procrastinate ships read-only models of them. Moments in there are real ones, by the database's clock.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Greatest, Now
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker

from jobs import clock

RUN_AGENT = "agents.run"

# What waits in one queue holds nothing up in another: an agent works for hours, a mail server may be slow.
AGENTS = "agents"
NEWS = "news"  # mails and webhooks
ERRANDS = "errands"  # apps to bring up, sandboxes to end
INTERVIEWS = "interviews"  # a founder sits in front of each
QUEUES = (AGENTS, NEWS, ERRANDS, INTERVIEWS)

HEARTBEAT_SECONDS = 10  # a worker that was silent for longer is taken for dead
SOON = timedelta(minutes=1)  # a run that begins within it need not be queued again


def enqueue_agent_run(job_id: UUID, at: datetime | None = None) -> None:
    """Queue a run of this job's agent, as part of the open transaction; `at` is a time of our clock.

    Queuing twice is harmless: a run that finds nothing to do ends silently.
    """
    when = clock.to_real(at) if at else None
    app.configure_task(RUN_AGENT, queue=AGENTS, schedule_at=when).defer(job_id=str(job_id))


# Workers


def has_tables() -> bool:
    """Whether the queue is installed in this database."""
    return ProcrastinateWorker._meta.db_table in connection.introspection.table_names()


def living_workers(silent: float = HEARTBEAT_SECONDS) -> int:
    """How many workers were heard of within so many seconds."""
    return _heard_of(silent).count()


def is_at_work(run_id: int | None) -> bool:
    """Whether a run is being done by a worker that was heard of lately."""
    runs = ProcrastinateJob.objects.filter(pk=run_id, status="doing")
    return runs.filter(worker__in=_heard_of(HEARTBEAT_SECONDS)).exists()


def _heard_of(silent: float) -> QuerySet[ProcrastinateWorker]:
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=Now() - timedelta(seconds=silent))


# Runs


def jobs_with_a_run() -> set[UUID]:
    """Jobs that have a run to come now, or under way."""
    is_soon = Q(scheduled_at=None) | Q(scheduled_at__lte=Now() + SOON)
    runs = ProcrastinateJob.objects.filter(
        Q(status="doing") | Q(status="todo") & is_soon, task_name=RUN_AGENT
    )
    return set(runs.values_list(Cast(KT("args__job_id"), UUIDField()), flat=True).distinct())


def waited(run_id: int) -> timedelta | None:
    """How long a run that begins has waited since it was due; None for one that nobody queued."""
    return _with_wait(ProcrastinateJob.objects.filter(pk=run_id)).values_list("wait", flat=True).first()


def backlog() -> tuple[int, timedelta]:
    """How many tasks are due and wait for a worker, and for how long the oldest has."""
    is_due = Q(scheduled_at=None) | Q(scheduled_at__lte=Now())
    due = ProcrastinateJob.objects.filter(is_due, status="todo")
    found = _with_wait(due).aggregate(count=Count("pk"), oldest=Max("wait"))
    return found["count"], found["oldest"] or timedelta()


def _with_wait(tasks: QuerySet[ProcrastinateJob]) -> QuerySet[Any, Any]:
    """Tasks with how long each has been due: since its time, or since it was queued if that was later."""
    queued = ProcrastinateEvent.objects.filter(
        job=OuterRef("pk"), type__in=["deferred", "deferred_for_retry"]
    )
    last = Subquery(queued.order_by("-at").values("at")[:1])
    return tasks.annotate(wait=Now() - Greatest("scheduled_at", last))


# Rows that change: the models are read-only, and the tables' own triggers see to what hangs on a task


def retry_stalled() -> list[int]:
    """Give what workers that have died were at to those that live; the numbers in the queue.

    Looked for and put back in one statement, or of two sweepers at once the slower would take a task away
    from the worker that the faster has just given it to.
    """
    with connection.cursor() as cursor:
        cursor.execute(RETRY_STALLED, {"queues": list(QUEUES), "silent": HEARTBEAT_SECONDS})
        return [row[0] for row in cursor.fetchall()]


# A task that waits in the queue already, under the same lock, takes the place of the one that died.
RETRY_STALLED = """
WITH stalled AS (
    SELECT j.id, j.queueing_lock FROM procrastinate_jobs j
    WHERE j.queue_name = ANY(%(queues)s) AND j.status = 'doing' AND NOT EXISTS (
        SELECT FROM procrastinate_workers w
        WHERE w.id = j.worker_id AND w.last_heartbeat > now() - make_interval(secs => %(silent)s))
    FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT id, queueing_lock IS NOT NULL AND (
        row_number() OVER (PARTITION BY queueing_lock ORDER BY id DESC) > 1 OR EXISTS (
            SELECT FROM procrastinate_jobs w
            WHERE w.queueing_lock = stalled.queueing_lock AND w.status = 'todo')) AS is_replaced
    FROM stalled
)
SELECT id, CASE WHEN is_replaced THEN procrastinate_finish_job_v1(id, 'failed', false)
    ELSE procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) END
FROM judged
"""


def count_ended(days: int) -> int:
    """How many tasks ended over so many days ago."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_ENDED}", [days])  # two constants
        return int(cursor.fetchone()[0])


def remove_ended(days: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE {_ENDED}", [days])  # two constants
        return int(cursor.rowcount)


_ENDED = (
    "FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing') AND id IN (SELECT job_id FROM "
    "procrastinate_events GROUP BY job_id HAVING max(at) < now() - make_interval(days => %s))"
)
