"""The worker: runs agents, notifications and errands, each queue with slots of its own."""

import asyncio
import signal
from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog
from procrastinate import App, JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Notification
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker
from psycopg_pool import AsyncNullConnectionPool

from agents.builds import shutdown
from agents.metrics import measure_lag
from agents.preview import browser
from agents.worker.sweep import keep_sweeping
from jobs import doorbell
from jobs.queue import AGENTS, ERRANDS, INTERVIEWS, NEWS

STOP_SECONDS = 25  # how long the loops may take to reach their next checkpoint
RECONNECT_SECONDS = 1.0
NEWS_SLOTS = 8
ERRAND_SLOTS = 8
INTERVIEW_SLOTS = 8


log = structlog.get_logger(__name__)


async def work(concurrency: int) -> None:
    """Run the queue's tasks on this event loop until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    doorbell.ring_from(loop)
    # Without a pool: a pool waits longer and longer before it reconnects to a database that was briefly down.
    connector = PsycopgConnector(kwargs=connector_params(), pool_factory=AsyncNullConnectionPool)
    # A second app, for the worker alone. Tasks are queued through the first one, whose connector is Django's,
    # so that queueing is part of the caller's transaction.
    queue = app.with_connector(connector)
    async with queue.open_async():
        log.info("worker.started", concurrency=concurrency)
        beside = [asyncio.create_task(keep_sweeping()), asyncio.create_task(measure_lag())]
        working = asyncio.create_task(_keep_working(queue, concurrency))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, working.cancel)
        try:
            await working
        except asyncio.CancelledError:
            pass
        finally:
            for task in beside:
                task.cancel()
            await browser.close()
            doorbell.ring_from(None)
            log.info("worker.stopped")


class AgentWorker(Worker):
    """A worker with a number of slots for each queue. However it stops, the loops release their sessions."""

    def __init__(self, slots: Mapping[str, int], **options: Any) -> None:
        self._slots = slots
        self._has_more_to_fetch = False
        super().__init__(concurrency=sum(slots.values()), **options)

    @property
    def queues(self) -> list[str]:
        """The queues with a free slot; read each time the next task is fetched."""
        taken = Counter(context.job.queue for context in self._running_jobs.values())
        return [queue for queue, most in self._slots.items() if taken[queue] < most]

    @queues.setter
    def queues(self, given: Any) -> None:
        """Ignore the fixed list of the base class."""

    async def _process_job(self, context: JobContext) -> None:
        """Afterwards fetch again at once: a queue that was full may have more tasks."""
        try:
            await super()._process_job(context)
        finally:
            self._fetch_again()

    async def _handle_notification(self, *, channel: str, notification: Notification) -> None:
        await super()._handle_notification(channel=channel, notification=notification)
        if notification["type"] == "job_inserted":
            self._fetch_again()

    def _fetch_again(self) -> None:
        self._has_more_to_fetch = True
        self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """Fetch again if a slot became free or a task came meanwhile: the base class loses that event."""
        while True:
            self._has_more_to_fetch = False
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]  # as run() is
            if not self._has_more_to_fetch:
                return

    async def _shutdown(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        shutdown.request()
        await super()._shutdown(side_tasks)


async def _keep_working(queue: App, concurrency: int) -> None:
    """Run workers. One that lost its connection to the queue stops, and a new one is started.

    It cannot continue on a new connection: a run may have been assigned to it in a response that was lost.
    """
    while True:
        shutdown.forget()
        worker = AgentWorker(
            app=queue,
            slots={
                AGENTS: concurrency,
                NEWS: NEWS_SLOTS,
                ERRANDS: ERRAND_SLOTS,
                INTERVIEWS: INTERVIEW_SLOTS,
            },
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=2.0,
            stalled_worker_timeout=30.0,
            shutdown_graceful_timeout=STOP_SECONDS,
            delete_jobs="successful",
        )
        try:
            await worker.run()  # type: ignore[no-untyped-call]
        except ConnectorException:
            log.warning("worker.disconnected", exc_info=True)
        else:
            log.warning("worker.disconnected")
        await asyncio.sleep(RECONNECT_SECONDS)
