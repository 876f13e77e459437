"""The socket of an interview tells its pages that it has changed, and only its own founder's."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from cofounder.models import User
from jobs import doorbell
from jobs.models import Project, UnderstandingSession
from jobs.sockets import consumer
from jobs.sockets.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 20
Opened = Callable[..., Awaitable[WebsocketCommunicator]]


@pytest.fixture
def interview(project: Project) -> UnderstandingSession:
    found = project.interviews.first()
    assert found is not None
    return found


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    sockets = []

    async def open_(user: Any, interview_id: Any) -> WebsocketCommunicator:
        address = f"/ws/interviews/{interview_id}/"
        socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), address)
        socket.scope["user"] = user
        assert (await socket.connect(timeout=LIMIT))[0]
        sockets.append(socket)
        return socket

    yield open_
    for socket in sockets:
        await socket.disconnect(timeout=LIMIT)
    await get_channel_layer().flush()


async def test_a_page_hears_of_each_change(
    opened: Opened, founder: User, interview: UnderstandingSession
) -> None:
    socket = await opened(founder, interview.pk)
    await socket.receive_nothing(0.2)
    await database_sync_to_async(doorbell.tell_interview)(interview.pk, 7)

    assert await socket.receive_json_from(LIMIT) == {"version": 7}


async def test_others_and_strangers_are_turned_away(
    opened: Opened, founder: User, other_founder: User, interview: UnderstandingSession
) -> None:
    for user, interview_id, code in [
        (other_founder, interview.pk, consumer.NOT_FOUND),
        (founder, uuid.uuid4(), consumer.NOT_FOUND),
        (founder, "nonsense", consumer.NOT_FOUND),
        (AnonymousUser(), interview.pk, consumer.NOT_SIGNED_IN),
    ]:
        socket = await opened(user, interview_id)
        assert await socket.receive_output(LIMIT) == {"type": "websocket.close", "code": code}


async def test_a_page_that_talks_is_closed(
    opened: Opened, founder: User, interview: UnderstandingSession
) -> None:
    socket = await opened(founder, interview.pk)
    await socket.send_to(text_data="hello")

    assert (await socket.receive_output(LIMIT))["code"] == consumer.UNREADABLE
