"""The sweep: finds what should run and has nobody who runs it, whatever happened to those who did."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import structlog
from django.db import Error, connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from agents import reconciliation, renewal
from agents.checkpoints import HEARTBEAT_SECONDS
from agents.database import statement, unit
from agents.models import ASLEEP, AT_WORK, AgentSession
from jobs import clock
from jobs.queue import ERRANDS, QUEUES, RUN_AGENT, enqueue_agent_run

log = structlog.get_logger(__name__)

REAP_SANDBOXES = "agents.reap_sandboxes"
EVERY_SECONDS = 2.0
REAP_SECONDS = 3600.0
BOOKS_EVERY_SECONDS = 60.0  # how often reservations of dead runs are looked for
OVERDUE = timedelta(seconds=5)  # a sleeper's own queue job comes first


async def keep_sweeping() -> None:
    """Sweep at once and then now and again, for as long as the worker lives."""
    reap_at = time.monotonic() + REAP_SECONDS
    books_at = time.monotonic()
    while True:
        try:
            if time.monotonic() > reap_at:
                reap_at += REAP_SECONDS
                await queue_reaping()
            for run_id in await unit(retry_stalled):
                log.info("sweep.retried", run_id=run_id)
            await unit(renewal.renew_all_due)
            for job_id in await unit(queue_forgotten):
                log.info("sweep.queued", job_id=str(job_id))
            if time.monotonic() >= books_at:
                books_at = time.monotonic() + BOOKS_EVERY_SECONDS
                await release_orphans()
        except (Error, ConnectorException):
            log.warning("sweep.failed", exc_info=True)  # the database is away; the next sweep finds the same
        await asyncio.sleep(EVERY_SECONDS)


async def queue_reaping() -> None:
    """Queue a look for sandboxes that nobody needs, unless another worker has just done so.

    Not a periodic task of the queue's: of these, one that cannot reach the database takes its worker along.
    """
    with suppress(AlreadyEnqueued):
        await unit(app.configure_task(REAP_SANDBOXES, queue=ERRANDS, queueing_lock=REAP_SANDBOXES).defer)


async def release_orphans() -> None:
    """Release the reservations of dead runs, each in a transaction of its own."""
    for orphan in await statement(reconciliation.release_orphans):
        log.info("sweep.released", job_id=str(orphan.session_id), amount=orphan.amount, day=str(orphan.day))


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


def queue_forgotten() -> list[object]:
    """Queue every session that is due, or should be at work, and has no run in the queue."""
    now = clock.now()
    due = AgentSession.objects.filter(state__in=ASLEEP, wake_at__lte=now - OVERDUE * clock.speed())
    at_work = AgentSession.objects.filter(state__in=AT_WORK)
    wanted = {session.pk for session in (due | at_work).only("pk")}
    forgotten = sorted(wanted - _queued(), key=str)
    for job_id in forgotten:
        enqueue_agent_run(job_id)
    return list(forgotten)


def _queued() -> set[object]:
    """Jobs that have a run to come now, or under way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT (args->>'job_id')::uuid FROM procrastinate_jobs WHERE task_name = %s "
            "AND (status = 'doing' OR status = 'todo' "
            "AND COALESCE(scheduled_at, now()) <= now() + interval '1 minute')",
            [RUN_AGENT],
        )
        return {row[0] for row in cursor.fetchall()}
