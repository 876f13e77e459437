"""An app that tries to lead the worker's browser inwards, and a listener that must not hear of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response


class App:
    """Serves `pages` (path to HTML) and redirects (path to address) at `app.localhost`; echoes on `/ws`."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://app.localhost:{self.port}"

    def answer(self, _: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        self.asked.append(path)
        if path == "/ws":
            return None
        if path in self.redirects:
            return _response(302, b"", Location=self.redirects[path])
        if path in self.pages:
            return _response(200, self.pages[path].encode())
        return _response(404, b"no such page")


def _response(status: int, body: bytes, **more: str) -> Response:
    headers = Headers({"Content-Type": "text/html", "Content-Length": str(len(body)), **more})
    return Response(status, "", headers, body)


async def _echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


@asynccontextmanager
async def hostile_app() -> AsyncIterator[App]:
    app = App()
    async with serve(_echo, "127.0.0.1", 0, process_request=app.answer) as server:
        app.port = server.sockets[0].getsockname()[1]
        yield app


class Inner(asyncio.DatagramProtocol):
    """Listens on this machine, on IPv4, IPv6 and UDP at one port; remembers each path it is asked for."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.port = 0

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append("udp")

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append("a connection")
        with suppress(OSError):
            line = await reader.readline()
            self.heard.append(line.decode(errors="replace").partition(" ")[2].partition(" ")[0])
            while (await reader.readline()).strip():
                pass
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\n"
                b"Content-Length: 18\r\nConnection: close\r\n\r\n<h1>the inside</h1>"
            )
        writer.close()


@asynccontextmanager
async def inner_listener() -> AsyncIterator[Inner]:
    inner = Inner()
    loop = asyncio.get_running_loop()
    first = await asyncio.start_server(inner.answer, "127.0.0.1", 0)
    inner.port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(inner.answer, "::1", inner.port)
    datagrams, _ = await loop.create_datagram_endpoint(lambda: inner, ("127.0.0.1", inner.port))
    try:
        yield inner
    finally:
        datagrams.close()
        for server in (first, second):
            server.close()
            await server.wait_closed()
