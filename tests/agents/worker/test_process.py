"""The worker's slots: agents, notifications and maintenance tasks do not wait for each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from procrastinate import App
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from agents.worker.process import AgentWorker
from jobs.queue import AGENTS, NEWS, QUEUES

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20


class Queue:
    """A worker with one slot for each queue, and a task that waits until it is released."""

    def __init__(self) -> None:
        self.app = App(connector=PsycopgConnector(kwargs=connector_params()))
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.let_go = asyncio.Event()
        self.app.task(name="tests.hold")(self.hold)

    async def hold(self, name: str) -> None:
        self.begun.put_nowait(name)
        await self.let_go.wait()

    async def defer(self, queue: str, name: str) -> None:
        await self.app.configure_task("tests.hold", queue=queue).defer_async(name=name)

    async def is_listened_to(self) -> None:
        """A worker that does not listen yet would find out by polling, which comes too late here."""
        wanted = (
            "SELECT count(*) AS listening FROM pg_stat_activity "
            "WHERE query LIKE %(last)s AND state = 'idle' AND datname = current_database()"
        )
        last = f"LISTEN%{QUEUES[-1]}%"
        async with asyncio.timeout(SECONDS):
            while not await self._has_row(wanted, last):  # noqa: ASYNC110  # the library tells nobody
                await asyncio.sleep(0.02)

    async def _has_row(self, wanted: str, last: str) -> bool:
        row = await self.app.connector.execute_query_one_async(wanted, last=last)
        return bool(row["listening"])

    async def next(self) -> str:
        return await asyncio.wait_for(self.begun.get(), SECONDS)


@asynccontextmanager
async def working() -> AsyncIterator[Queue]:
    queue = Queue()
    async with queue.app.open_async():
        worker = AgentWorker(
            dict.fromkeys(QUEUES, 1),
            app=queue.app,
            install_signal_handlers=False,
            fetch_job_polling_interval=SECONDS,  # polling finds nothing
            shutdown_graceful_timeout=SECONDS,
        )
        running = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]  # of the library
        try:
            await queue.is_listened_to()
            yield queue
        finally:
            queue.let_go.set()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_mails_go_out_while_agents_hold_all_their_slots() -> None:
    async with working() as queue:
        await queue.defer(AGENTS, "at work")
        assert await queue.next() == "at work"
        await queue.defer(AGENTS, "waits")
        await queue.defer(NEWS, "a mail")
        assert await queue.next() == "a mail"
        assert queue.begun.empty()


async def test_agents_begin_while_a_mail_server_is_slow() -> None:
    async with working() as queue:
        for name in ("slow", "behind it"):
            await queue.defer(NEWS, name)
        assert await queue.next() == "slow"
        await queue.defer(AGENTS, "an agent")
        assert await queue.next() == "an agent"


async def test_who_waited_for_a_slot_begins_as_soon_as_it_is_free() -> None:
    async with working() as queue:
        for name in ("first", "second"):
            await queue.defer(AGENTS, name)
        assert await queue.next() == "first"
        queue.let_go.set()
        assert await asyncio.wait_for(queue.begun.get(), SECONDS / 2) == "second"
