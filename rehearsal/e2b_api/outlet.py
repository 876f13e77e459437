"""The only way out of a sandbox, where its network is on: an HTTP proxy that reaches public addresses.

It listens inside the sandbox's own network, but its connections are made out here: it looks names up itself,
checks each address and connects to the one that it has checked.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

PORT = 3128  # inside
PORTS = {80, 443}
HEAD = 64 * 1024
HEAD_SECONDS = 30.0
DIAL_SECONDS = 10.0
BLOCK = 64 * 1024
CONNECTIONS = 64  # at a time, of one sandbox
NOT_SENT_ON = (b"connection", b"proxy-connection", b"proxy-authorization")
NAT64 = IPv6Network("64:ff9b::/96")
ENVS = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{PORT}"),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1"),
    "NODE_USE_ENV_PROXY": "1",
}

Address = IPv4Address | IPv6Address
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Refused(Exception):
    """The local sandbox reaches public addresses only, on the ports 80 and 443."""

    status = "403 Forbidden"


class NotReached(Exception):
    """Nothing answers at that address."""

    status = "502 Bad Gateway"


class NotUnderstood(Exception):
    """This is not a request to a proxy."""

    status = "400 Bad Request"


def is_public(address: Address) -> bool:
    """Whether it belongs to the public network, also where it stands for an IPv4 address."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def may_reach(address: Address, port: int) -> bool:
    return is_public(address) and port in PORTS


class Outlet:
    """A proxy for one sandbox; `start` it on a socket that listens inside."""

    def __init__(
        self, may_reach: Callable[[Address, int], bool] = may_reach, *, may_reach_itself: bool = False
    ) -> None:
        self._may_reach = may_reach
        self._may_reach_itself = may_reach_itself
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=HEAD)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            async with self._room:
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # either side has hung up, or never finished what it began
        except asyncio.CancelledError:
            if self._server is not None and self._server.is_serving():
                raise
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        try:
            host, port, onward = _target(head)
            there, onto = await self._dial(host, port)
        except (Refused, NotReached, NotUnderstood) as error:
            said = f"{error.__doc__}\n".encode()
            writer.write(
                f"HTTP/1.1 {error.status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                f"Content-Length: {len(said)}\r\n\r\n".encode()
                + said
            )
            await writer.drain()
            return
        try:
            if onward:
                onto.write(onward)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass_on(reader, onto), _pass_on(there, writer))
        finally:
            onto.close()

    async def _dial(self, host: str, port: int) -> Streams:
        """A connection to an address of that name that was checked before, and is not this machine's."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotReached from error
        allowed = [str(place[0]) for *_, place in found if self._may_reach(ip_address(place[0]), port)]
        if not allowed:
            raise Refused
        for address in dict.fromkeys(allowed):
            with contextlib.suppress(OSError, TimeoutError):
                there, onto = await asyncio.wait_for(asyncio.open_connection(address, port), DIAL_SECONDS)
                if self._is_this_machine(onto):
                    onto.close()
                    raise Refused
                return there, onto
        raise NotReached

    def _is_this_machine(self, onto: asyncio.StreamWriter) -> bool:
        """Whether a public address turned out to be our own: both ends are then the same."""
        here, there = onto.get_extra_info("sockname")[0], onto.get_extra_info("peername")[0]
        return bool(here == there) and not self._may_reach_itself


def _target(head: bytes) -> tuple[str, int, bytes]:
    """Where a request wants to go, and what is sent on; nothing where a tunnel is asked for."""
    line, _, headers = head.partition(b"\r\n")
    try:
        method, target, version = line.decode("ascii").split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise NotUnderstood from error
    if not host or (method == "CONNECT" and port is None):
        raise NotUnderstood
    if method == "CONNECT":
        return host, port or 443, b""
    if parts.scheme != "http":
        raise NotUnderstood
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [
        field
        for field in headers.split(b"\r\n")
        if field
        and field.split(b":")[0].lower() not in (b"connection", b"proxy-connection", b"proxy-authorization")
    ]
    onward = [f"{method} {path} {version}".encode(), *kept, b"Connection: close", b"", b""]
    return host, port or 80, b"\r\n".join(onward)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and say that it is the end."""
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
