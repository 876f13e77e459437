"""Nothing follows the headers of an answer that has no body."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from channels.testing import HttpCommunicator

from cofounder.http.no_body import without_body
from tests.browser.conftest import cookie, server

__all__ = ["cookie", "server"]


def streamed(status: int) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for piece in (b"one", b"two", b""):
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})

    return app


@pytest.mark.parametrize(
    ("method", "status", "sent"),
    [("GET", 200, b"onetwo"), ("HEAD", 200, b""), ("GET", 204, b""), ("GET", 304, b""), ("HEAD", 404, b"")],
)
async def test_pieces_of_a_body_are_sent_only_where_there_may_be_one(
    method: str, status: int, sent: bytes
) -> None:
    caller = HttpCommunicator(without_body(streamed(status)), method, "/")
    answer = await caller.get_response(timeout=10)
    assert (answer["status"], answer["body"]) == (status, sent)


@pytest.mark.services
def test_the_answer_after_a_head_is_the_next_one(server: str, cookie: str) -> None:
    """On one connection, as a proxy shares it among its visitors."""
    host = urlsplit(server).netloc
    asked = [
        f"HEAD /api/account/export HTTP/1.1\r\nHost: {host}\r\nCookie: sessionid={cookie}\r\n\r\n",
        f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
    ]
    place = (urlsplit(server).hostname, urlsplit(server).port)
    with socket.create_connection(place, timeout=60) as line, line.makefile("rb") as stream:
        line.sendall(asked[0].encode())
        first = b"".join(iter(stream.readline, b"\r\n"))
        line.sendall(asked[1].encode())
        following = stream.read()
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert following.startswith(b"HTTP/1.1 200 OK"), following[:100]
