"""The doorbell: notifies the sockets of a job of new events. Best effort: the rows are the truth."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

SECONDS = 0.5  # a notification that takes longer is not worth waiting for
PAUSE_SECONDS = 0.02  # between two notifications for one job; a page renders every 150 ms
CONNECT_SECONDS = 5
FIRST_BACKOFF, LAST_BACKOFF = 0.1, 5.0

Frames = list[dict[str, Any]]


class DoorbellLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels_redis has no types
    """Redis pub/sub that survives a restart of Redis: with stock Channels every socket would end."""

    def _get_layer(self) -> Any:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], DoorbellConnection):
            layer._shards = [DoorbellConnection(shard.host, layer) for shard in layer._shards]
        return layer


class DoorbellConnection(RedisSingleShardConnection):  # type: ignore[misc]  # channels_redis has no types
    """The connection to one Redis: after a reconnect it subscribes to the same channels again.

    Only the receiver uses the subscribing connection: if two tasks reconnect it, a socket leaks.
    """

    _redis: Any
    _pubsub: Any

    def __init__(self, host: dict[str, Any], channel_layer: Any) -> None:
        super().__init__(host, channel_layer)
        self._nudges = f"{channel_layer.prefix}.nudges.{uuid4().hex}"  # interrupts the receiver's read
        self._held: set[str] = set()
        self._waiting: list[asyncio.Future[None]] = []

    def _ensure_redis(self) -> None:
        """With one immediate retry, for a stale connection; redis-py's default would delay the sender."""
        if self._redis is None:
            pool = create_pool({**self.host, "retry": Retry(NoBackoff(), 1)})
            self._redis = aioredis.Redis(connection_pool=pool)

    async def publish(self, channel: str, message: bytes) -> None:
        self._ensure_redis()
        await self._redis.publish(channel, message)

    async def subscribe(self, channel: str) -> None:
        """Subscribe now if Redis is available, otherwise as soon as it is."""
        self._subscribed_to.add(channel)
        subscribed = asyncio.get_running_loop().create_future()
        self._waiting.append(subscribed)
        self._ensure_receiver()
        with suppress(RedisError, OSError):  # the receiver gets the same error, and reconnects
            async with asyncio.timeout(SECONDS):
                await self.publish(self._nudges, b"")
                await subscribed

    async def unsubscribe(self, channel: str) -> None:
        """The receiver unsubscribes in its next round; messages that arrive until then are dropped."""
        self._subscribed_to.discard(channel)

    async def _do_receiving(self) -> None:
        backoff = FIRST_BACKOFF
        while True:
            try:
                await self._connect()
                backoff = FIRST_BACKOFF
                while True:
                    await self._sync_subscriptions()
                    message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
                    self._receive_message(message)
            except (RedisError, OSError) as error:
                log.warning("doorbell.lost", error=repr(error), again_in=backoff)
            with suppress(RedisError, OSError):
                await self._pubsub.aclose()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF)

    async def _connect(self) -> None:
        self._ensure_redis()
        self._pubsub = self._redis.pubsub()
        self._held = set()
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._pubsub.subscribe(self._nudges)

    async def _sync_subscriptions(self) -> None:
        wanted, waiting = set(self._subscribed_to), self._waiting
        if self._held == wanted and not waiting:
            return
        self._waiting = []
        if wanted - self._held:
            await self._pubsub.subscribe(*(wanted - self._held))
        if self._held - wanted:
            await self._pubsub.unsubscribe(*(self._held - wanted))
        self._held = wanted
        for subscribed in waiting:
            if not subscribed.done():
                subscribed.set_result(None)


def group(job_id: UUID | str) -> str:
    return f"job.{job_id}.events"


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

    def _gather(self, job_id: UUID, frames: Frames) -> None:
        if job_id in self._waiting:
            self._waiting[job_id] += frames
            return
        self._waiting[job_id] = list(frames)
        task = self.loop.create_task(self._send_all(job_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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


async def _send(job_id: UUID, frames: Frames) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await get_channel_layer().group_send(group(job_id), {"type": "job.events", "frames": frames})
    except Exception as error:  # noqa: BLE001  # whatever is wrong with Redis, the rows are the truth
        log.warning("doorbell.failed", job_id=str(job_id), error=repr(error))
