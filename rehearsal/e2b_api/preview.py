"""What runs inside a sandbox, shown outside: `{port}-{sandbox}.localhost` is forwarded to that port."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from html import escape
from typing import Any

import httpcore
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from .envd import awake
from .errors import SandboxError
from .fleet import Fleet
from .guest_link import GuestLink

HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
TIMEOUTS = {"connect": 5.0, "read": 120.0, "write": 120.0, "pool": 5.0}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>No answer yet</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto }}</style>
<h1>No answer yet</h1><p>{sentence}</p>"""

Headers = list[tuple[bytes, bytes]]


class DialledStream(httpcore.AsyncNetworkStream):
    """A connection that was opened inside the sandbox and passed out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.read(max_bytes), timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._writer.write(buffer)
            await asyncio.wait_for(self._writer.drain(), timeout)
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError from error

    async def aclose(self) -> None:
        self._writer.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("apps in a sandbox are asked over plain HTTP")

    def get_extra_info(self, info: str) -> Any:
        return None


class SandboxNetwork(httpcore.AsyncNetworkBackend):
    """Connections into the sandbox's own network, which cannot be reached in any other way."""

    def __init__(self, link: GuestLink) -> None:
        self._link = link

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            _, [fd] = await self._link.call("dial", port=port)
        except SandboxError as error:
            raise httpcore.ConnectError(str(error)) from error
        return DialledStream(*await asyncio.open_connection(sock=socket.socket(fileno=fd)))


class Preview:
    """An ASGI app for requests to preview hosts; scope["state"] holds sandbox and port."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def serve(self, sandbox_id: str, port: int, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            sandbox = await awake(self._fleet, sandbox_id)
        except SandboxError:
            await _apology("This preview is asleep or gone.")(scope, receive, send)
            return
        link = sandbox.live_link
        if link is None:
            await _apology(f"Nothing answers on port {port} yet.")(scope, receive, send)
            return
        try:
            await _pass_on(request, link, port, send)
        except _Silent as silent:
            await _apology(f"Nothing answers on port {port}: {silent}")(scope, receive, send)


class _Silent(Exception):
    """The app did not start an answer."""


async def _pass_on(request: Request, link: GuestLink, port: int, send: Send) -> None:
    async with httpcore.AsyncConnectionPool(network_backend=SandboxNetwork(link)) as pool:
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(scheme=b"http", host=b"localhost", port=port, target=_target(request)),
            headers=_request_headers(request),
            content=_body(request),
            extensions={"timeout": TIMEOUTS},
        )
        try:
            answer = await pool.handle_async_request(outgoing)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise _Silent(str(error) or type(error).__name__) from error
        try:
            headers = _end_to_end(answer.headers)
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for block in answer.aiter_stream():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


def _target(request: Request) -> bytes:
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _request_headers(request: Request) -> Headers:
    headers = _end_to_end(request.scope["headers"])
    if "transfer-encoding" in request.headers:
        headers.append((b"transfer-encoding", b"chunked"))
    return headers


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    headers = list(headers)
    named = b",".join(value for name, value in headers if name.lower() == b"connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")}
    return [(name.lower(), value) for name, value in headers if name.lower() not in dropped]


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for block in request.stream():
        if block:
            yield block


def _apology(sentence: str) -> HTMLResponse:
    return HTMLResponse(PAGE.format(sentence=escape(sentence)), 502)
