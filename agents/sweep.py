"""The sweep: finds what should run and has nobody who runs it, whatever happened to those who did."""

import asyncio
from datetime import timedelta

import structlog
from django.db import OperationalError, connection
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from agents.checkpoints import HEARTBEAT_SECONDS
from agents.database import unit
from agents.models import ASLEEP, AgentSession, SessionState
from jobs import clock
from jobs.queue import RUN_AGENT, enqueue_agent_run

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0
OVERDUE = timedelta(seconds=5)  # a sleeper's own queue job comes first


async def keep_sweeping(queue: App) -> None:
    """Sweep now and then for as long as the worker lives."""
    while True:
        try:
            await retry_stalled(queue)
            for job_id in await unit(queue_forgotten):
                log.info("sweep.queued", job_id=str(job_id))
        except (OperationalError, ConnectorException):
            log.warning("sweep.failed", exc_info=True)  # the database is away; the next sweep finds the same
        await asyncio.sleep(EVERY_SECONDS)


async def retry_stalled(queue: App) -> None:
    """Give runs of workers that have died to those that live."""
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=HEARTBEAT_SECONDS):
        log.info("sweep.retried", run_id=job.id)
        await queue.job_manager.retry_job(job)


def queue_forgotten() -> list[object]:
    """Queue every session that is due, or should be at work, and has no run in the queue."""
    now = clock.now()
    due = AgentSession.objects.filter(state__in=ASLEEP, wake_at__lte=now - OVERDUE * clock.speed())
    at_work = AgentSession.objects.filter(state__in=[SessionState.QUEUED, SessionState.WORKING])
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
