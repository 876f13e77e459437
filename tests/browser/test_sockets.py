"""Sockets of a real daphne, with frames written directly to its transport."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from jobs.models import Job
from tests.browser.conftest import LIMIT

pytestmark = pytest.mark.services
LONG = "The shelf shows every tool with its picture. " * 400
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
