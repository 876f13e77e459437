"""The doorbell: tells sockets on a job that there is something to read. It may fail; nothing is lost then."""

import asyncio
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

log = structlog.get_logger(__name__)

SECONDS = 0.5  # a doorbell that takes longer is not worth waiting for
_loop: asyncio.AbstractEventLoop | None = None


class DoorbellLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels_redis has no types
    """Redis pub/sub for the doorbell."""


def group(job_id: UUID | str) -> str:
    return f"job.{job_id}.events"


def ring_from(loop: asyncio.AbstractEventLoop | None) -> None:
    """Ring on this event loop from now on (the worker's own), without waiting for it."""
    global _loop
    _loop = loop


def ring(job_id: UUID, frames: list[dict[str, Any]]) -> None:
    """Send the frames to everyone who watches the job; swallow every failure of Redis."""
    if _loop is not None and _loop.is_running():
        asyncio.run_coroutine_threadsafe(_send(job_id, frames), _loop)
    else:
        async_to_sync(_send)(job_id, frames)


async def _send(job_id: UUID, frames: list[dict[str, Any]]) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await get_channel_layer().group_send(group(job_id), {"type": "job.events", "frames": frames})
    except Exception as error:  # noqa: BLE001  # whatever is wrong with Redis, the rows are the truth
        log.warning("doorbell.failed", job_id=str(job_id), error=repr(error))
