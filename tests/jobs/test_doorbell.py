import asyncio
import uuid
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from jobs import doorbell
from tests.jobs.redis_server import RedisServer

pytestmark = pytest.mark.services
LIMIT = 20


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
    return {"default": {"BACKEND": "jobs.doorbell_layer.DoorbellLayer", "CONFIG": {"hosts": [url]}}}
