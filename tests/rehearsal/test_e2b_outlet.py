"""The way out of a sandbox whose network is on: public addresses only."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from e2b import CommandExitException

from rehearsal.e2b_api.limits import Limits
from rehearsal.e2b_api.outlet import Outlet, is_public, may_reach
from tests.rehearsal.e2b_server import E2BServer, serve

pytestmark = pytest.mark.services

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",  # 169.254.169.254 behind NAT64
    "2002:7f00:1::",  # 127.0.0.1 behind 6to4
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_not_reached(address: str) -> None:
    assert not may_reach(ip_address(address), 443)


def test_public_addresses_are_reached_on_the_web_s_ports() -> None:
    for address in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"):
        assert is_public(ip_address(address))
        assert may_reach(ip_address(address), 80)
        assert not may_reach(ip_address(address), 25)


async def asked(outlet: Outlet, request: str) -> str:
    """All that a proxy answers to one request."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    await outlet.start(listening)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await outlet.close()
    return answer.decode()


@pytest.fixture
async def site() -> AsyncIterator[int]:
    """A web server of this machine; it says what it was asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + head)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def anything(*_: Any) -> bool:
    return True


async def test_a_request_and_a_tunnel_pass_to_what_may_be_reached(site: int) -> None:
    path = f"http://localhost:{site}/a?b=c"
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: secret\r\n\r\n"
    said = await asked(Outlet(anything, may_reach_itself=True), head)
    assert "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" in said
    assert "secret" not in said
    tunnel = f"CONNECT localhost:{site} HTTP/1.1\r\n\r\n" + "GET /inner HTTP/1.1\r\n\r\n"
    said = await asked(Outlet(anything, may_reach_itself=True), tunnel)
    assert said.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert "GET /inner" in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "169.254.169.254"])
async def test_the_machine_s_own_ports_are_refused(site: int, host: str) -> None:
    for request in (f"CONNECT {host}:{site}", f"GET http://{host}:{site}/"):
        assert (await asked(Outlet(), f"{request} HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 403 ")


async def test_a_public_address_that_is_our_own_is_refused(site: int) -> None:
    said = await asked(Outlet(anything), f"CONNECT 127.0.0.1:{site} HTTP/1.1\r\n\r\n")
    assert said.startswith("HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "head",
    ["GET / HTTP/1.1", "CONNECT host HTTP/1.1", "nonsense", "GET ftp://a/ HTTP/1.1", "CONNECT a:b HTTP/1.1"],
)
async def test_what_is_no_request_to_a_proxy_is_said(head: str) -> None:
    assert (await asked(Outlet(), f"{head}\r\n\r\n")).startswith("HTTP/1.1 400 ")


ASK = (
    "python3 -c 'import urllib.request as r; "
    'print(r.build_opener(r.ProxyHandler()).open("http://{host}/", timeout=5).read())\''
)


async def reach(server: E2BServer, host: str, **options: Any) -> str:
    sandbox = await server.sandboxes.create(**options)
    with pytest.raises(CommandExitException) as failure:
        await sandbox.commands.run(ASK.format(host=host))
    return str(failure.value.stderr)


async def test_the_network_is_off_unless_it_is_switched_on(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    assert "proxy" not in (await sandbox.commands.run("env | sort")).stdout.lower()


async def test_where_it_is_on_private_addresses_are_refused_from_inside(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=Limits(network=True)) as server:
        await server.need_confinement()
        assert (await server.health())["network"] == "public addresses"
        for host in ("169.254.169.254", "10.0.0.1", f"127.0.0.2:{server.port}"):
            assert "403" in await reach(server, host)
        said = await reach(server, "169.254.169.254", allow_internet_access=False)
        assert "403" not in said  # there is no proxy in this one
        assert "unreachable" in said
