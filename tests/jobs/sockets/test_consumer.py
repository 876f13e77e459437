import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from pytest_django import Settings

from cofounder.models import User
from jobs import events
from jobs.models import EventType, Job
from jobs.sockets import consumer, hub
from jobs.sockets.routing import websocket_urlpatterns
from tests.jobs.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 20


@database_sync_to_async
def say(build: Job, count: int) -> None:
    for number in range(count):
        events.record(build.pk, EventType.AGENT_NARRATION, text=str(number), phase="")


@database_sync_to_async
def say_at_once(build: Job, count: int) -> None:
    events.record_all(build.pk, [(EventType.AGENT_NARRATION, {"text": "", "phase": ""})] * count)


@pytest.fixture
def login(founder: User) -> Client:
    """The founder's session, signed in."""
    browser = Client()
    browser.force_login(founder)
    return browser


@pytest.fixture
async def watch(
    build: Job, founder: User, login: Client
) -> AsyncIterator[Callable[..., WebsocketCommunicator]]:
    """Open a socket for the build, as the founder unless told otherwise."""
    opened = []

    async def open_(query: str = "", user: User = founder, job_id: Any = build.pk) -> WebsocketCommunicator:
        socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), f"/ws/jobs/{job_id}/{query}")
        socket.scope |= {"user": user, "session": login.session}
        assert (await socket.connect(timeout=LIMIT))[0]
        opened.append(socket)
        return socket

    yield open_
    for socket in opened:
        await socket.disconnect(timeout=LIMIT)
    await get_channel_layer().flush()


async def numbers(socket: WebsocketCommunicator, count: int) -> list[Any]:
    return [json.loads(await socket.receive_from(timeout=LIMIT))["seq"] for _ in range(count)]


async def close_code(socket: WebsocketCommunicator) -> Any:
    return (await socket.receive_output(timeout=LIMIT))["code"]


async def test_what_was_missed_comes_first_and_then_what_happens(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    await say(build, 3)
    socket = await watch()
    assert await numbers(socket, 4) == [1, 2, 3, 4]
    await say(build, 3)
    assert await numbers(socket, 3) == [5, 6, 7]


async def test_a_frame_is_the_same_as_in_the_list(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    socket = await watch()
    expected = await database_sync_to_async(lambda: events.frame(build.events.get()))()
    assert json.loads(await socket.receive_from(timeout=LIMIT)) == expected


async def test_a_reconnect_goes_on_after_the_last_number(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    await say(build, 5)
    assert await numbers(await watch("?after=4"), 2) == [5, 6]


async def test_a_burst_while_connecting_leaves_no_gap(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    burst = asyncio.create_task(say(build, 100))
    socket = await watch()
    assert await numbers(socket, 101) == list(range(1, 102))
    await burst


async def test_two_browsers_get_the_same(watch: Callable[..., WebsocketCommunicator], build: Job) -> None:
    one, two = await watch(), await watch()
    await say(build, 20)
    assert await numbers(one, 21) == await numbers(two, 21) == list(range(1, 22))


async def test_a_client_that_never_acks_gets_500_frames_at_most(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    await say_at_once(build, 700)
    socket = await watch()
    assert await numbers(socket, 500) == list(range(1, 501))
    assert await socket.receive_nothing(timeout=hub.POLL_SECONDS + 0.5)
    await socket.send_to(json.dumps({"ack": 500}))
    assert await numbers(socket, 201) == list(range(501, 702))


async def test_an_ack_of_what_was_never_sent_counts_for_what_was(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    socket = await watch()
    await numbers(socket, 1)
    await socket.send_to(json.dumps({"ack": 10**30}))
    for _ in range(2):  # Channels handles a message only after work in the database's thread
        await say(build, 0)
    await say_at_once(build, 700)
    await numbers(socket, 500)
    assert await socket.receive_nothing(timeout=0.5)


@pytest.mark.parametrize(
    "text", ["x", "[]", "{}", '{"ack": "1"}', '{"ack": true}', '{"ack": 1.5}', "[" * 900, " " * 5000]
)
async def test_nonsense_closes_the_socket(watch: Callable[..., WebsocketCommunicator], text: str) -> None:
    socket = await watch()
    await numbers(socket, 1)
    await socket.send_to(text)
    assert await close_code(socket) == consumer.UNREADABLE


async def test_bytes_close_the_socket(watch: Callable[..., WebsocketCommunicator]) -> None:
    socket = await watch()
    await numbers(socket, 1)
    await socket.send_to(bytes_data=b"\x00")
    assert await close_code(socket) == consumer.UNREADABLE


@pytest.mark.parametrize("after", ["x", "-1", "1e3", "9" * 30, "%ff"])
async def test_an_unreadable_place_closes_with_4400(
    watch: Callable[..., WebsocketCommunicator], after: str
) -> None:
    assert await close_code(await watch(f"?after={after}")) == 4400


async def test_a_place_beyond_the_log_waits_for_what_comes(
    watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    socket = await watch("?after=999")
    await say(build, 1)
    assert await numbers(socket, 1) == [2]


async def test_signed_out_closes_with_4401(watch: Callable[..., WebsocketCommunicator]) -> None:
    assert await close_code(await watch(user=AnonymousUser())) == 4401


async def test_another_founder_gets_4404(
    watch: Callable[..., WebsocketCommunicator], other_founder: User
) -> None:
    assert await close_code(await watch(user=other_founder)) == 4404


@pytest.mark.parametrize("job_id", [uuid.UUID(int=7), "seven"])
async def test_a_missing_job_closes_with_4404(
    watch: Callable[..., WebsocketCommunicator], job_id: Any
) -> None:
    assert await close_code(await watch(job_id=job_id)) == 4404


@database_sync_to_async
def sign_out(login: Client) -> None:
    login.logout()


@database_sync_to_async
def change(founder: User, **fields: Any) -> None:
    type(founder).objects.filter(pk=founder.pk).update(**fields)


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "CHECK_SECONDS", 0.1)


async def test_a_socket_ends_with_its_login(
    quick_checks: None, watch: Callable[..., WebsocketCommunicator], login: Client
) -> None:
    socket = await watch("?after=1")
    await sign_out(login)
    assert await close_code(socket) == 4401


@pytest.mark.parametrize("fields", [{"is_active": False}, {"password": "changed"}])
async def test_a_socket_ends_with_its_account(
    quick_checks: None, watch: Callable[..., WebsocketCommunicator], founder: User, fields: dict[str, Any]
) -> None:
    socket = await watch("?after=1")
    await change(founder, **fields)
    assert await close_code(socket) == 4401


async def test_a_socket_ends_with_its_job(
    quick_checks: None, watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    socket = await watch("?after=1")
    await database_sync_to_async(build.project.delete)()
    assert await close_code(socket) == 4404


async def test_a_login_that_lasts_keeps_its_socket(
    quick_checks: None, watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    socket = await watch("?after=1")
    assert await socket.receive_nothing(timeout=0.5)
    await say(build, 1)
    assert await numbers(socket, 1) == [2]


async def test_nothing_is_lost_while_redis_dies_and_returns(
    settings: Settings, own_redis: RedisServer, watch: Callable[..., WebsocketCommunicator], build: Job
) -> None:
    layer = {"BACKEND": "jobs.doorbell_layer.DoorbellLayer", "CONFIG": {"hosts": [own_redis.url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    socket = await watch()
    await say(build, 2)
    own_redis.kill()
    await say(build, 2)
    assert await numbers(socket, 5) == [1, 2, 3, 4, 5]
    own_redis.start()
    await say(build, 2)
    assert await numbers(socket, 2) == [6, 7]
