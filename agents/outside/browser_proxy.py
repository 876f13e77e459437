"""The proxy that a browser must use: it connects to what an allowance admits, and refuses the rest."""

import asyncio
from collections.abc import Iterable
from html import escape
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import h11
import structlog

from agents.outside import guard
from agents.outside.allowances import PORTS, Allowance
from agents.outside.guard import AddressRefused, HostUnknown
from agents.outside.resolver import Resolver, resolve

BLOCK = 64 * 1024
LARGEST_TOTAL = 200_000_000  # bytes that one context may load
MOST_CONNECTIONS = 100  # at the same time
MOST_REFUSED = 20  # remembered for the caller
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade expect".split()
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Refused</title>
<h1>Refused</h1><p>{place} is not a part of the app. This browser opens nothing but the app itself.</p>"""

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]


class Stream(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Target(NamedTuple):
    host: str
    port: int
    path: str  # empty for a tunnel

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class TooMuch(Exception):
    """The page loads more than a page may."""


class BrowserProxy:
    """Listens on this machine, on a port of its own, while it is entered.

    Plain requests are read and written anew, so that a connection never carries a second one to another host;
    TLS and WebSockets are tunnels. Each connection is checked, resolved and made by itself.
    """

    def __init__(self, allowance: Allowance, resolver: Resolver = resolve) -> None:
        self.refused: list[str] = []  # the places that were refused, each once
        self._allowance = allowance
        self._resolver = resolver
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._bytes = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.create_task(self._answer(_Client(Stream(reader, writer))))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _answer(self, client: "_Client") -> None:
        try:
            await self._pass_on(client)
        except* (OSError, h11.ProtocolError):
            pass  # one of the two has hung up, or speaks no HTTP: the browser tells its page
        except* TooMuch:
            log.warning("browser_proxy.too_much", bytes=self._bytes)
        finally:
            client.stream.writer.close()

    async def _pass_on(self, client: "_Client") -> None:
        """Answer one request; each has a connection of its own."""
        request = await client.request()
        if request is None:
            return
        try:
            target = target_of(request)
        except ValueError:
            await client.say(400, "This is not a request to a proxy.")
            return
        try:
            upstream = Stream(*await guard.connect(self._allowance, target.host, target.port, self._resolver))
        except AddressRefused:
            self._note(str(target))
            await client.say(403, PAGE.format(place=escape(str(target))))
        except (HostUnknown, OSError):
            await client.say(502, f"{escape(str(target))} does not answer.")
        else:
            try:
                if request.method == b"CONNECT":
                    await self._tunnel(client, upstream)
                else:
                    await self._forward(client, upstream, request, target)
            finally:
                upstream.writer.close()

    def _note(self, place: str) -> None:
        place = place[:200]
        if place not in self.refused and len(self.refused) < MOST_REFUSED:
            self.refused.append(place)

    async def _tunnel(self, client: "_Client", upstream: Stream) -> None:
        early = await client.switch()
        upstream.writer.write(early)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pipe(client.stream.reader, upstream.writer))
            both.create_task(self._pipe(upstream.reader, client.stream.writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(BLOCK):
            self._count(block)
            writer.write(block)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def _count(self, block: bytes) -> None:
        self._bytes += len(block)
        if self._bytes > LARGEST_TOTAL:
            raise TooMuch

    async def _forward(
        self, client: "_Client", upstream: Stream, request: h11.Request, target: Target
    ) -> None:
        app = h11.Connection(h11.CLIENT)
        headers: Headers = [(name, value) for name, value in _end_to_end(request.headers) if name != b"host"]
        if any(name == b"transfer-encoding" for name, _ in request.headers):
            headers.append((b"transfer-encoding", b"chunked"))
        headers += [(b"host", _host_header(target)), (b"connection", b"close")]
        asked = h11.Request(method=request.method, target=target.path, headers=headers)
        upstream.writer.write(app.send(asked) or b"")
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(self._send_body(client, app, upstream.writer))
            await self._return_answer(client, app, upstream.reader)
            sending.cancel()  # an app may answer before it has read everything

    async def _send_body(self, client: "_Client", app: h11.Connection, writer: asyncio.StreamWriter) -> None:
        while isinstance(event := await client.next_event(), h11.Data):
            self._count(event.data)
            writer.write(app.send(event) or b"")
            await writer.drain()
        writer.write(app.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    async def _return_answer(
        self, client: "_Client", app: h11.Connection, reader: asyncio.StreamReader
    ) -> None:
        while True:
            event = await _next_event(app, reader)
            if isinstance(event, h11.Response):
                headers = [*_end_to_end(event.headers), (b"connection", b"close")]
                await client.send(
                    h11.Response(status_code=event.status_code, reason=event.reason, headers=headers)
                )
            elif isinstance(event, h11.Data):
                self._count(event.data)
                await client.send(event)
            elif not isinstance(event, h11.InformationalResponse):
                await client.send(h11.EndOfMessage())
                return


class _Client:
    """The browser's end of one connection."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._http = h11.Connection(h11.SERVER)

    async def request(self) -> h11.Request | None:
        event = await self.next_event()
        return event if isinstance(event, h11.Request) else None

    async def next_event(self) -> object:
        return await _next_event(self._http, self.stream.reader)

    async def send(self, event: h11.Event) -> None:
        self.stream.writer.write(self._http.send(event) or b"")
        await self.stream.writer.drain()

    async def say(self, status: int, html: str) -> None:
        """An answer of the proxy itself."""
        body = html.encode()
        headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'"),
        ]
        await self.send(h11.Response(status_code=status, headers=headers))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    async def switch(self) -> bytes:
        """Tell the browser that its tunnel stands; what it has sent into it already."""
        await self.next_event()  # the end of the request
        await self.send(h11.Response(status_code=200, headers=[]))
        return self._http.trailing_data[0]


async def _next_event(http: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(BLOCK))
    return event


def target_of(request: h11.Request) -> Target:
    """What a proxy is asked for: `host:port` for a tunnel, else a whole http address. Raises `ValueError`."""
    asked = request.target.decode("ascii")
    is_tunnel = request.method == b"CONNECT"
    parts = urlsplit(f"//{asked}" if is_tunnel else asked)
    if "@" in parts.netloc or not parts.hostname or "%" in parts.hostname:
        raise ValueError(asked)
    if is_tunnel:
        if parts.port is None or parts.netloc != asked:
            raise ValueError(asked)
        return Target(parts.hostname, parts.port, "")
    if parts.scheme != "http":
        raise ValueError(asked)
    path = asked.partition("://")[2].removeprefix(parts.netloc)
    port = PORTS["http"] if parts.port is None else parts.port
    return Target(parts.hostname, port, path if path.startswith("/") else f"/{path}")


def _host_header(target: Target) -> bytes:
    return (str(target) if target.port != 80 else str(target).removesuffix(":80")).encode()


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    headers = list(headers)
    named = b",".join(value for name, value in headers if name == b"connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")}
    return [(name, value) for name, value in headers if name not in dropped]
