"""The doorbell: notifies the sockets of a job of new events. Best effort: the rows are the truth."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

log = structlog.get_logger(__name__)

SECONDS = 0.5  # a notification that takes longer is not worth waiting for
PAUSE_SECONDS = 0.02  # between two notifications for one job; a page renders every 150 ms

Frames = list[dict[str, Any]]


def group(job_id: UUID | str) -> str:
    return f"job.{job_id}.events"


def interview_group(interview_id: UUID | str) -> str:
    return f"interview.{interview_id}"


class _Bell:
    """Notifies from one event loop, in order for each job: the first frames at once, and those that come
    during the pause after it in one message."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: dict[UUID, Frames] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ring(self, job_id: UUID, frames: Frames) -> None:
        """Can be called from any thread; does not wait."""
        self.loop.call_soon_threadsafe(self._gather, job_id, frames)

    def tell(self, name: str, message: dict[str, Any]) -> None:
        """As `ring`, for a message that is not of a job."""
        self.loop.call_soon_threadsafe(self._start, _group_send(name, message))

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(sending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _gather(self, job_id: UUID, frames: Frames) -> None:
        if job_id in self._waiting:
            self._waiting[job_id] += frames
            return
        self._waiting[job_id] = list(frames)
        self._start(self._send_all(job_id))

    async def _send_all(self, job_id: UUID) -> None:
        while frames := self._waiting[job_id]:
            self._waiting[job_id] = []
            await _send(job_id, frames)
            await asyncio.sleep(PAUSE_SECONDS)
        del self._waiting[job_id]


_bell: _Bell | None = None


def ring_from(loop: asyncio.AbstractEventLoop | None) -> None:
    """From now on notify from this event loop (the worker's), without waiting for it."""
    global _bell  # a process has one worker, and it has one loop
    _bell = _Bell(loop) if loop else None


def ring(job_id: UUID, frames: Frames) -> None:
    """Send the frames to every socket of the job. A failure of Redis is logged, never raised."""
    if _bell is not None and _bell.loop.is_running():
        _bell.ring(job_id, frames)
    else:
        async_to_sync(_send)(job_id, frames)


def tell_interview(interview_id: UUID, version: int) -> None:
    """Tell the pages of an interview that it has changed. A failure of Redis is logged, never raised."""
    name, message = interview_group(interview_id), {"type": "interview.changed", "version": version}
    if _bell is not None and _bell.loop.is_running():
        _bell.tell(name, message)
    else:
        async_to_sync(_group_send)(name, message)


async def _send(job_id: UUID, frames: Frames) -> None:
    await _group_send(group(job_id), {"type": "job.events", "frames": frames})


async def _group_send(name: str, message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await get_channel_layer().group_send(name, message)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with Redis, the rows are the truth
        log.warning("doorbell.failed", group=name, error=repr(error))
