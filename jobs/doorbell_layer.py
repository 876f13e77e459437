"""The channel layer of the doorbell: Redis pub/sub that survives a restart of Redis.

Named by its path in the settings, so that a process without sockets loads no Redis client.
"""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobs.doorbell import SECONDS

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5
FIRST_BACKOFF, LAST_BACKOFF = 0.1, 5.0


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
