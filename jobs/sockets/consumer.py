"""The WebSocket of a job: replays the events that the browser missed, then sends new ones as they come."""

import asyncio
import json
import time
from contextlib import suppress
from random import uniform
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from jobs.api.pagination import as_number
from jobs.database_away import AWAY
from jobs.events import frame
from jobs.models import Job, JobEvent
from jobs.sockets import hub, metrics
from jobs.sockets.hub import Message, Messages, sendable

log = structlog.get_logger(__name__)

UNREADABLE, NOT_SIGNED_IN, NOT_FOUND, OUR_FAULT = 4400, 4401, 4404, 1011  # close codes
WINDOW = 500  # frames past the client's last ack: daphne buffers without limit for one that does not read
BATCH = 200
RETRY_SECONDS = 2.0
CHECK_SECONDS = 30.0  # between two checks of the session: a socket may outlive a sign-out by this
MESSAGE_LIMIT = 1_000  # characters; an ack has about 20


class JobConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """`/ws/jobs/{id}/?after=SEQ`: frames in order without gaps; the client sends `{"ack": seq}`."""

    pump: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        await self.accept()  # closed before it was accepted, the browser would not see the code
        refusal = await self._refusal()
        if refusal is not None:
            await self.close(refusal)
            return
        self.heard: dict[int, Message] = {}
        self.is_behind = True  # whether the database may hold more than was sent
        self.bell = asyncio.Event()
        self.sending = asyncio.Lock()
        # Sockets that were opened at the same time should not all be checked at the same time.
        self.checked = time.monotonic() - uniform(0, CHECK_SECONDS)  # noqa: S311  # no secret
        # Subscribe first, then read the rows: an event committed in between is received, or read, or both.
        await hub.watch(self.channel_layer, self.job_id, self)
        self.pump = asyncio.create_task(self._pump())

    async def _refusal(self) -> int | None:
        """The code to close with, or None for the job's owner; then the position in the log is set."""
        after = as_number(parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1])
        if after is None:
            return UNREADABLE
        user = self.scope["user"]
        if not user.is_authenticated:
            return NOT_SIGNED_IN
        try:
            self.job_id = UUID(self.scope["url_route"]["kwargs"]["job_id"])
        except ValueError:
            return NOT_FOUND
        last = await _last_seq(self.job_id, user.pk)
        if last is None:
            return NOT_FOUND
        self.sent = self.acked = min(after, last)
        return None

    async def _lost_right(self) -> int | None:
        """The code to close with if the session has ended or the job is gone; not checked each time."""
        if time.monotonic() < self.checked + CHECK_SECONDS:
            return None
        session = self.scope["session"]
        user = await get_user({"session": session.__class__(session.session_key)})  # read again
        if not user.is_authenticated:
            return NOT_SIGNED_IN
        if await _last_seq(self.job_id, user.pk) is None:
            return NOT_FOUND
        self.checked = time.monotonic()
        return None

    async def disconnect(self, code: int) -> None:
        if self.pump is not None:
            self.pump.cancel()
            with suppress(asyncio.CancelledError):
                await self.pump
            await hub.leave(self.job_id, self)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels closes old database connections in a thread before every message; an ack uses none."""
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        ack = _ack(text_data)
        if ack is None:
            await self.close(UNREADABLE)
        elif self.pump is not None:
            self.acked = max(self.acked, min(ack, self.sent))
            if self.is_behind or self.heard:
                self.bell.set()

    async def hear(self, messages: Messages) -> None:
        """Send the next event at once. Up to `BATCH` others are buffered; the rest is read from the rows."""
        for seq, message in messages:
            if seq == self.sent + 1 <= self.acked + WINDOW and not self.sending.locked():
                async with self.sending:
                    await self._send(seq, message)
            elif len(self.heard) < BATCH:
                self.heard[seq] = message
                self.bell.set()
            else:
                self.is_behind = True
                self.bell.set()

    def look(self, last_seq: int | None) -> None:
        """On every poll: catch up if a notification was lost, and check the session when that is due."""
        self.is_behind |= (last_seq or 0) > self.sent
        if self.is_behind or last_seq is None or time.monotonic() > self.checked + CHECK_SECONDS:
            self.bell.set()

    async def _pump(self) -> None:
        """Send what there is, then wait until there is more."""
        while True:
            self.bell.clear()
            try:
                if (refusal := await self._lost_right()) is not None:
                    await self.close(refusal)
                    return
                async with self.sending:
                    await self._deliver()
                await self.bell.wait()
            except AWAY as error:
                log.warning("consumer.database_away", job_id=str(self.job_id), error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # A socket that stays open but sends nothing would mislead: the browser reconnects instead.
                log.exception("consumer.failed", job_id=str(self.job_id))
                await self.close(OUR_FAULT)
                return

    async def _deliver(self) -> None:
        """Send on from the last event: from the buffer while there is no gap, otherwise from the database."""
        while (room := self.acked + WINDOW - self.sent) > 0:
            following = self.heard.pop(self.sent + 1, None)
            if following is not None:
                await self._send(self.sent + 1, following)
                continue
            self.heard = {seq: heard for seq, heard in self.heard.items() if seq > self.sent}
            if not (self.is_behind or self.heard):
                return
            most = min(BATCH, room)
            rows = await _frames_after(self.job_id, self.sent, most)
            for row in rows:
                await self._send(row["seq"], sendable(row))
            self.is_behind = len(rows) == most
            if not rows:
                return

    async def _send(self, seq: int, message: Message) -> None:
        await self.base_send(message)
        self.sent = seq
        metrics.EVENTS_DELIVERED.inc()


def _ack(text: str | None) -> int | None:
    """The number of `{"ack": seq}`; None for anything else."""
    if text is None or len(text) > MESSAGE_LIMIT:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ack = message.get("ack") if isinstance(message, dict) else None
    return ack if type(ack) is int else None


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _last_seq(job_id: UUID, user_id: UUID) -> int | None:
    """The number of the job's last event; None when this user has no such job."""
    numbers = Job.objects.filter(pk=job_id, project__owner=user_id).values_list("last_seq", flat=True)
    return numbers.first()


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _frames_after(job_id: UUID, seq: int, most: int) -> list[dict[str, Any]]:
    return [frame(event) for event in JobEvent.objects.filter(job=job_id, seq__gt=seq)[:most]]
