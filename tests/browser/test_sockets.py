"""Sockets of a real daphne, with frames written directly to its transport."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.test import Client
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidMessage
from websockets.sync.client import connect

from cofounder.models import User
from jobs.models import Job
from tests.browser.conftest import LIMIT, apart

pytestmark = pytest.mark.services
LONG = "The shelf shows every tool with its picture. " * 400
TWO_THOUSAND = 2_000
MANY = 700  # frames of 18 KB: far more than the kernel buffers for a client that does not read


@pytest.fixture
def socket(server: str, cookie: str, working_job: Job) -> Iterator[Any]:
    address = f"{server.replace('http', 'ws')}/ws/jobs/{working_job.pk}/?after=0"
    headers = {"Cookie": f"sessionid={cookie}", "Origin": server}
    with connect(address, additional_headers=headers, max_size=None, max_queue=1, open_timeout=20) as opened:
        yield opened


def _tell(job: Job, count: int) -> int:
    from jobs import events
    from jobs.models import EventType

    facts = [(EventType.AGENT_NARRATION, {"text": LONG, "phase": ""})]
    return [events.record_all(job.pk, facts)[0].seq for _ in range(count)][-1]


def test_one_that_did_not_read_for_a_while_gets_everything_in_order(socket: Any, working_job: Job) -> None:
    last = _tell(working_job, MANY)
    heard: list[int] = []
    while not heard or heard[-1] < last:
        frame = json.loads(socket.recv(timeout=LIMIT / 1000))
        heard.append(frame["seq"])
        assert frame.get("text", LONG) == LONG
        if len(heard) % 100 == 0:
            socket.send(json.dumps({"ack": heard[-1]}))
    assert heard == list(range(1, last + 1))


@pytest.mark.timeout(900)  # two thousand handshakes take what the machine lets them
def test_two_thousand_sockets_of_one_founder_are_served_and_disturb_nobody(
    server: str, cookie: str, working_job: Job, other_founder: User
) -> None:
    other = Client()
    other.force_login(other_founder)
    address = f"{server.replace('http', 'ws')}/ws/jobs/{working_job.pk}/?after={working_job.last_seq}"
    headers = {"Cookie": f"sessionid={cookie}", "Origin": server}
    theirs = {"Cookie": f"sessionid={other.cookies['sessionid'].value}"}

    async def watch(told: list[int]) -> None:
        async with AsyncExitStack() as open_ones:

            async def one() -> Any:
                for _ in range(
                    20
                ):  # like a page: daphne gives up a handshake that takes 5 s on a busy machine
                    opened = connect_async(address, additional_headers=headers, open_timeout=LIMIT / 1000)
                    with suppress(InvalidMessage):
                        return await open_ones.enter_async_context(opened)
                raise AssertionError("There is no connection.")

            sockets = []
            for _ in range(TWO_THOUSAND // 10):
                sockets += await asyncio.gather(*(one() for _ in range(10)))
            page = Request(f"{server}/projects", headers=theirs)
            answer = await asyncio.to_thread(urlopen, page, timeout=LIMIT / 1000)
            with answer:
                assert answer.status == 200
            told.append(await asyncio.to_thread(apart, _tell, working_job, 1))
            async with asyncio.timeout(2 * LIMIT / 1000):
                frames = await asyncio.gather(*(socket.recv() for socket in sockets))
            assert {json.loads(frame)["seq"] for frame in frames} == {told[0]}

    told: list[int] = []
    asyncio.run(watch(told))
    assert told
