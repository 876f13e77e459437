"""One web process with many watchers: from `record()` and its commit to receipt over real WebSockets; and for
comparison bare redis-py pub/sub, one connection that fans out to as many receivers."""

import asyncio
import base64
import gc
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import quantiles
from typing import Any
from uuid import UUID

import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from redis import asyncio as aioredis

from bench.systems.ours import new_build
from jobs import doorbell, events
from jobs.models import EventType

WATCHERS = 100
RATE = 20  # events a second
SECONDS = 20.0
STEP_SECONDS = 4.0  # of one attempt to find out how many one process can serve
LIMIT = 0.1  # seconds, the limit for p99
PATIENCE = 20.0  # seconds within which everything must have arrived
ACK_FRAMES = 100  # as the page does
MORE_WATCHERS = (200, 400, 600, 800)
MORE_EVENTS = (50, 100, 200, 400)
TEXT = "The shelf shows every tool with its picture. Next I let people borrow one. " * 3
SEQ = re.compile(rb'"seq": (\d+)')

Received = list[tuple[int, float]]


class Watcher(asyncio.Protocol):
    """A minimal WebSocket client: notes when each frame arrives, before it does anything else with it."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.received: Received = []
        self.last = 0
        self._rest = b""
        self._is_open = False
        self._acked = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._rest += data
        if not self._is_open:
            head, separator, self._rest = self._rest.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            assert b" 101 " in head.split(b"\r\n")[0], head
            self._is_open = True
        while (frame := self._next_frame()) is not None:
            if found := SEQ.search(frame):
                self.last = int(found[1])
                self.received.append((self.last, now))
        if self.last - self._acked >= ACK_FRAMES:
            self._ack()

    def _next_frame(self) -> bytes | None:
        if len(self._rest) < 2:
            return None
        length, start = self._rest[1], 2
        if length == 126 and len(self._rest) >= 4:
            length, start = struct.unpack(">H", self._rest[2:4])[0], 4
        if len(self._rest) < start + length or (length == 126 and start == 2):
            return None
        frame, self._rest = self._rest[start : start + length], self._rest[start + length :]
        return frame

    def _ack(self) -> None:
        self._acked = self.last
        text = json.dumps({"ack": self.last}).encode()
        self.transport.write(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)  # a mask of zeros


class WebProcess:
    """Our own daphne process on its own port."""

    def __enter__(self) -> "WebProcess":
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = listener.getsockname()[1]
        daphne = ["-m", "daphne", "-v", "0", "--fd", str(listener.fileno()), "cofounder.asgi:application"]
        self._process = subprocess.Popen(
            [sys.executable, *daphne],
            env={**os.environ, "BASE_URL": f"http://127.0.0.1:{self.port}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        listener.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


async def watch(port: int, job_id: UUID, cookie: str, after: int) -> Watcher:
    request = (
        f"GET /ws/jobs/{job_id}/?after={after} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Origin: http://127.0.0.1:{port}\r\nCookie: sessionid={cookie}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    _, watcher = await loop.create_connection(partial(Watcher, request.encode()), "127.0.0.1", port)
    return watcher


async def until(condition: Callable[[], bool]) -> bool:
    """Whether it became true in time."""
    deadline = time.perf_counter() + PATIENCE
    while not condition():
        if time.perf_counter() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def at_rate(
    rate: int, seconds: float, say: Callable[[], Awaitable[tuple[int, float]]]
) -> dict[int, float]:
    """Send at a given rate per second; returns when each send began, by number."""
    begun: dict[int, float] = {}
    first = time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, first + number / rate - time.perf_counter()))
        seq, moment = await say()
        begun[seq] = moment
    return begun


def milliseconds(begun: dict[int, float], received: list[Received]) -> tuple[float, float]:
    """p50 and p99 over all receivers and all frames."""
    waits = [1000 * (at - begun[seq]) for each in received for seq, at in each if seq in begun]
    cuts = quantiles(waits, n=100)
    return cuts[49], cuts[98]


@sync_to_async(thread_sensitive=True)
def record(job_id: UUID) -> tuple[int, float]:
    begun = time.perf_counter()
    return events.record(job_id, EventType.AGENT_NARRATION, text=TEXT, phase="The shelf").seq, begun


async def ours(
    port: int, job_id: UUID, cookie: str, watchers: int, rate: int, seconds: float
) -> tuple[float, float]:
    """p50 and p99 in milliseconds; both infinite when something did not arrive in time."""
    last, _ = await record(job_id)
    watching = [await watch(port, job_id, cookie, last - 1) for _ in range(watchers)]
    try:
        assert await until(lambda: all(each.last >= last for each in watching)), "A watcher did not connect."
        begun = await at_rate(rate, seconds, partial(record, job_id))
        last = max(begun)
        if not await until(lambda: all(each.last >= last for each in watching)):
            return float("inf"), float("inf")
        return milliseconds(begun, [each.received for each in watching])
    finally:
        for each in watching:
            each.transport.abort()


async def bare(watchers: int, rate: int, seconds: float) -> tuple[float, float]:
    """The same frames over one subscribed connection, passed on to as many queues."""
    reader = aioredis.Redis.from_url(settings.REDIS_URL)
    writer = redis.Redis.from_url(settings.REDIS_URL)
    pubsub = reader.pubsub()
    await pubsub.subscribe("bench")
    queues: list[asyncio.Queue[bytes]] = [asyncio.Queue() for _ in range(watchers)]
    received: list[Received] = [[] for _ in range(watchers)]

    async def receive(place: int) -> None:
        while True:
            frame = await queues[place].get()
            found = SEQ.search(frame)
            assert found is not None
            received[place].append((int(found[1]), time.perf_counter()))

    async def fan_out() -> None:
        async for message in pubsub.listen():
            if message["type"] == "message":
                for queue in queues:
                    queue.put_nowait(message["data"])

    number = 0

    @sync_to_async(thread_sensitive=True)
    def publish() -> tuple[int, float]:
        nonlocal number
        number += 1
        frame = json.dumps({"seq": number, "type": "agent.narration", "text": TEXT, "phase": "The shelf"})
        begun = time.perf_counter()
        writer.publish("bench", frame)
        return number, begun

    tasks = [asyncio.create_task(receive(place)) for place in range(watchers)]
    tasks.append(asyncio.create_task(fan_out()))
    begun = await at_rate(rate, seconds, publish)
    assert await until(lambda: all(each and each[-1][0] == number for each in received))
    for task in tasks:
        task.cancel()
    await pubsub.aclose()
    await reader.aclose()
    return milliseconds(begun, received)


async def measure(port: int, job_id: UUID, cookie: str) -> dict[str, Any]:
    doorbell.ring_from(asyncio.get_running_loop())  # as in a worker
    gc.freeze()  # as in the web process; the watchers' own garbage collection must not count
    await ours(port, job_id, cookie, WATCHERS, RATE, 2.0)  # the first requests load what later ones need
    bare_p50, bare_p99 = await bare(WATCHERS, RATE, SECONDS)
    p50, p99 = await ours(port, job_id, cookie, WATCHERS, RATE, SECONDS)
    report: dict[str, Any] = {"p50": p50, "p99": p99, "bare_p50": bare_p50, "bare_p99": bare_p99}
    more_watchers = [(watchers, RATE) for watchers in MORE_WATCHERS]
    more_events = [(WATCHERS, rate) for rate in MORE_EVENTS]
    for name, steps in (("watchers", more_watchers), ("events", more_events)):
        report[name] = [(WATCHERS, RATE, p50, p99)]
        for watchers, rate in steps:
            found = await ours(port, job_id, cookie, watchers, rate, STEP_SECONDS)
            report[name].append((watchers, rate, *found))
            if found[1] > 1000 * LIMIT:
                break
    return report


def main() -> None:
    job = new_build(f"founder-{os.getpid()}")
    client = Client()
    client.force_login(job.project.owner)
    with WebProcess() as web:
        print(json.dumps(asyncio.run(measure(web.port, job.pk, client.cookies["sessionid"].value))))
