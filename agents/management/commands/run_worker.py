"""`manage.py run_worker`: runs agents until it is told to stop."""

import asyncio
import signal
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate import App, JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker
from prometheus_client import start_http_server
from psycopg_pool import AsyncNullConnectionPool

from agents import screenshots, shutdown
from agents.sweep import keep_sweeping
from jobs import doorbell
from jobs.queue import AGENTS, ERRANDS, NEWS

STOP_SECONDS = 25  # how long loops may take to reach the end of their half-step
RECONNECT_SECONDS = 1.0
NEWS_SLOTS = 8
ERRAND_SLOTS = 8

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Run agents. SIGTERM or Ctrl-C lets each finish its half-step and hands the sessions back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=settings.WORKER_CONCURRENCY,
            metavar="N",
            help="how many agents may work at once (default: %(default)s)",
        )
        parser.add_argument(
            "--metrics-port",
            type=int,
            metavar="P",
            help="serve Prometheus metrics on this port (default: not at all)",
        )
        parser.add_argument(
            "--metrics-host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="the address they are served on; nobody is asked for a token there (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.")
        missing = [name for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY") if not getattr(settings, name)]
        if missing:
            raise CommandError(
                f"{' and '.join(missing)} must be set for a worker. Without keys, `manage.py up` and "
                "`manage.py build` start the rehearsal servers in their place."
            )
        with metrics_on(options["metrics_port"], options["metrics_host"]):
            uvloop.run(work(options["concurrency"]))


@contextmanager
def metrics_on(port: int | None, host: str) -> Iterator[None]:
    """Serve what this worker measures on a port, if one is given, from a thread of its own."""
    if port is None:
        yield
        return
    if not 1 <= port <= 65_535:
        raise CommandError("--metrics-port must lie between 1 and 65535.")
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        raise CommandError(f"Port {port} of {host} cannot be used for metrics ({error.strerror}).") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def work(concurrency: int) -> None:
    """Run the queue's tasks on this event loop until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    doorbell.ring_from(loop)
    # Without a pool: one waits ever longer before it tries a database again that was away for a moment.
    connector = PsycopgConnector(kwargs=connector_params(), pool_factory=AsyncNullConnectionPool)
    # A second app for the worker alone. What units of work queue goes through the first one, whose connector
    # is Django's: it has to be part of their transactions.
    queue = app.with_connector(connector)
    async with queue.open_async():
        log.info("worker.started", concurrency=concurrency)
        sweeping = asyncio.create_task(keep_sweeping())
        working = asyncio.create_task(_keep_working(queue, concurrency))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, working.cancel)
        try:
            await working
        except asyncio.CancelledError:
            pass
        finally:
            sweeping.cancel()
            await screenshots.close()
            doorbell.ring_from(None)
            log.info("worker.stopped")


class AgentWorker(Worker):
    """Has so many slots for each queue. Whatever stops it, the loops hand their sessions back."""

    def __init__(self, slots: Mapping[str, int], **options: Any) -> None:
        self._slots = slots
        self._has_freed_a_slot = False
        super().__init__(concurrency=sum(slots.values()), **options)

    @property
    def queues(self) -> list[str]:
        """Those with a free slot, each time the next task is asked for."""
        taken = Counter(context.job.queue for context in self._running_jobs.values())
        return [queue for queue, most in self._slots.items() if taken[queue] < most]

    @queues.setter
    def queues(self, given: Any) -> None:
        """The base class would keep a fixed list."""

    async def _process_job(self, context: JobContext) -> None:
        """A queue that was full may have more: it is asked at once."""
        try:
            await super()._process_job(context)
        finally:
            self._has_freed_a_slot = True
            self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """Once more where a slot came free while the queues were asked: the base class forgets the event."""
        while True:
            self._has_freed_a_slot = False
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]  # as run() is
            if not self._has_freed_a_slot:
                return

    async def _shutdown(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        shutdown.request()
        await super()._shutdown(side_tasks)


async def _keep_working(queue: App, concurrency: int) -> None:
    """Work; a worker that lost its connection to the queue stops, and another one takes its place.

    It cannot go on with the new connection: a run may have been given to it in an answer that was lost.
    """
    queue.perform_import_paths()  # type: ignore[no-untyped-call]
    while True:
        shutdown.forget()
        worker = AgentWorker(
            app=queue,
            slots={AGENTS: concurrency, NEWS: NEWS_SLOTS, ERRANDS: ERRAND_SLOTS},
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
