"""A process's one subscription to the events of all jobs that its sockets watch.

However many sockets there are: one channel receives the notifications of all watched jobs, each frame is
serialised once, and one query every `POLL_SECONDS` finds events whose notification was lost.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async

from jobs import doorbell
from jobs.database_away import AWAY
from jobs.models import Job

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0

Message = dict[str, str]
Messages = Sequence[tuple[int, Message]]  # (seq, frame), in order


def sendable(frame: dict[str, Any]) -> Message:
    """A frame as an ASGI message, which all sockets share."""
    return {"type": "websocket.send", "text": json.dumps(frame)}


class Watcher(Protocol):
    """A socket on a job."""

    async def hear(self, messages: Messages) -> None:
        """New events. This must not wait for the browser: the other watchers are told after it."""

    def look(self, last_seq: int | None) -> None:
        """Called every `POLL_SECONDS` with the number of the last event; None when the job is gone."""


class Hub:
    """One event loop's subscription hub; it exists while there is a watcher."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._watchers: dict[UUID, set[Watcher]] = {}
        self._channel: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._poll())]

    @property
    def is_needed(self) -> bool:
        return bool(self._watchers)

    async def add(self, job_id: UUID, watcher: Watcher) -> None:
        """Once this has returned, the watcher gets every notification."""
        self._watchers.setdefault(job_id, set()).add(watcher)
        try:
            channel = await asyncio.shield(self._channel)
            await self._layer.group_add(doorbell.group(job_id), channel)
        except BaseException:  # also when cancelled: nobody would remove the watcher later
            await self.remove(job_id, watcher)
            raise

    async def remove(self, job_id: UUID, watcher: Watcher) -> None:
        watchers = self._watchers.get(job_id, set())
        watchers.discard(watcher)
        if watchers:
            return
        self._watchers.pop(job_id, None)
        if self._channel.done():
            await self._layer.group_discard(doorbell.group(job_id), self._channel.result())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        channel = await self._layer.new_channel()
        self._channel.set_result(channel)
        while True:
            await self._tell((await self._layer.receive(channel))["frames"])

    async def _tell(self, frames: list[dict[str, Any]]) -> None:
        """All frames of one notification belong to the same job."""
        messages = [(int(frame["seq"]), sendable(frame)) for frame in frames]
        for watcher in list(self._watchers.get(UUID(frames[0]["job_id"]), ())):
            try:
                await watcher.hear(messages)
            except Exception:  # one socket that fails must not stop the others
                log.exception("lookout.watcher_failed", job_id=frames[0]["job_id"])

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                reached = await _last_seqs(list(self._watchers))
            except AWAY as error:
                log.warning("lookout.database_away", error=repr(error))
                continue
            for job_id, watchers in self._watchers.items():
                for watcher in list(watchers):
                    watcher.look(reached.get(job_id))


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


async def watch(layer: Any, job_id: UUID, watcher: Watcher) -> None:
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(layer)
    await _hubs[loop].add(job_id, watcher)


async def leave(job_id: UUID, watcher: Watcher) -> None:
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        return
    await hub.remove(job_id, watcher)
    if not hub.is_needed and _hubs.get(loop) is hub:
        del _hubs[loop]
        await hub.close()


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _last_seqs(job_ids: list[UUID]) -> dict[UUID, int]:
    return dict(Job.objects.filter(pk__in=job_ids).values_list("pk", "last_seq"))
