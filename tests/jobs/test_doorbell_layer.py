import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobs.doorbell_layer import DoorbellLayer
from tests.jobs.redis_server import RedisServer

pytestmark = pytest.mark.services
LIMIT = 20


@pytest.fixture
async def layer(own_redis: RedisServer) -> AsyncIterator[DoorbellLayer]:
    layer = DoorbellLayer(hosts=[own_redis.url])
    yield layer
    await layer.flush()


async def hears(layer: DoorbellLayer, channel: Any, name: str) -> bool:
    """Ring until the channel receives it: subscribing may take a moment after Redis came back."""
    listening = asyncio.create_task(layer.receive(channel))
    try:
        async with asyncio.timeout(LIMIT):
            while not listening.done():
                await layer.group_send("g", {"type": name})
                await asyncio.wait([listening], timeout=0.1)
        return (await listening)["type"] == name
    finally:
        listening.cancel()


async def test_a_group_hears_what_is_sent(layer: DoorbellLayer) -> None:
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await layer.group_send("g", {"type": "one"})
    async with asyncio.timeout(LIMIT):
        assert await layer.receive(channel) == {"type": "one"}


async def test_subscriptions_outlive_redis(layer: DoorbellLayer, own_redis: RedisServer) -> None:
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    own_redis.kill()
    own_redis.start()
    assert await hears(layer, channel, "back")


async def test_a_group_joined_while_redis_is_away_hears_once_it_is_there(
    layer: DoorbellLayer, own_redis: RedisServer
) -> None:
    own_redis.kill()
    async with asyncio.timeout(LIMIT):
        channel = await layer.new_channel()
        await layer.group_add("g", channel)
    own_redis.start()
    assert await hears(layer, channel, "back")


async def test_leaving_a_group_while_redis_is_away_is_remembered(
    layer: DoorbellLayer, own_redis: RedisServer
) -> None:
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    own_redis.kill()
    await layer.group_discard("g", channel)
    own_redis.start()
    await layer.group_add("h", channel)
    await layer.group_send("g", {"type": "wrong"})
    own = asyncio.create_task(layer.receive(channel))
    while not own.done():
        await layer.group_send("h", {"type": "right"})
        await asyncio.wait([own], timeout=0.1)
    assert (await own)["type"] == "right"
