import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from jobs import doorbell
from jobs.doorbell import DoorbellLayer
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


def test_ringing_without_redis_raises_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.CHANNEL_LAYERS = layers(f"unix://{tmp_path}/none.sock")
    doorbell.ring(uuid.uuid4(), [{"seq": 1}])


async def test_a_worker_rings_on_its_own_loop_in_order_and_gathers(
    settings: Settings, own_redis: RedisServer
) -> None:
    settings.CHANNEL_LAYERS = layers(own_redis.url)
    layer, job_id = get_channel_layer(), uuid.uuid4()
    channel = await layer.new_channel()
    await layer.group_add(doorbell.group(job_id), channel)
    doorbell.ring_from(asyncio.get_running_loop())
    try:
        for seq in range(1, 51):
            await asyncio.to_thread(doorbell.ring, job_id, [{"seq": seq}])
        heard: list[int] = []
        async with asyncio.timeout(LIMIT):
            while len(heard) < 50:
                heard += [frame["seq"] for frame in (await layer.receive(channel))["frames"]]
    finally:
        doorbell.ring_from(None)
        await layer.flush()
    assert heard == list(range(1, 51))


def layers(url: str) -> dict[str, dict[str, str | dict[str, list[str]]]]:
    return {"default": {"BACKEND": "jobs.doorbell.DoorbellLayer", "CONFIG": {"hosts": [url]}}}
