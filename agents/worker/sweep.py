"""The sweep: finds what should run and has nobody who runs it, whatever happened to those who did."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import structlog
from django.db import Error
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from agents.budget import reconciliation, renewal
from agents.database import in_thread, in_transaction
from agents.models import ASLEEP, AT_WORK, AgentSession
from jobs import clock
from jobs.queue import ERRANDS, enqueue_agent_run, jobs_with_a_run, retry_stalled

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
            for run_id in await in_transaction(retry_stalled):
                log.info("sweep.retried", run_id=run_id)
            await in_transaction(renewal.renew_all_due)
            for job_id in await in_transaction(queue_forgotten):
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
        await in_transaction(
            app.configure_task(REAP_SANDBOXES, queue=ERRANDS, queueing_lock=REAP_SANDBOXES).defer
        )


async def release_orphans() -> None:
    """Release the reservations of dead runs, each in a transaction of its own."""
    for orphan in await in_thread(reconciliation.release_orphans):
        log.info("sweep.released", job_id=str(orphan.session_id), amount=orphan.amount, day=str(orphan.day))


def queue_forgotten() -> list[object]:
    """Queue every session that is due, or should be at work, and has no run in the queue."""
    now = clock.now()
    due = AgentSession.objects.filter(state__in=ASLEEP, wake_at__lte=now - OVERDUE * clock.speed())
    at_work = AgentSession.objects.filter(state__in=AT_WORK)
    wanted = {session.pk for session in (due | at_work).only("pk")}
    forgotten = sorted(wanted - jobs_with_a_run(), key=str)
    for job_id in forgotten:
        enqueue_agent_run(job_id)
    return list(forgotten)
