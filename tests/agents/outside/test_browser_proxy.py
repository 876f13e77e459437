"""The browser's proxy, spoken to without a browser: what it passes on, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import h11
import httpx
import pytest

from agents.outside import browser_proxy
from agents.outside.allowances import Allowance, Nothing, PublicAddresses, own_app
from agents.outside.browser_proxy import BrowserProxy, Target, target_of
from agents.outside.resolver import Resolver, resolve
from tests.agents.outside.names import NameServer
from tests.agents.outside.raw_server import RawServer, http, raw_server

ANYWHERE = PublicAddresses(private_too=True)


@pytest.fixture
async def app() -> AsyncIterator[RawServer]:
    async with raw_server() as running:
        yield running


@asynccontextmanager
async def browser(
    allowance: Allowance, resolver: Resolver = resolve
) -> AsyncIterator[tuple[BrowserProxy, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a proxy, as a browser would make it."""
    async with BrowserProxy(allowance, resolver) as proxy:
        parts = urlsplit(proxy.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        yield proxy, reader, writer
        writer.close()


async def ask(allowance: Allowance, request: bytes, resolver: Resolver = resolve) -> tuple[str, list[str]]:
    """What the proxy answers to these bytes, and what it notes as refused."""
    async with browser(allowance, resolver) as (proxy, reader, writer):
        writer.write(request)
        return (await reader.read()).decode(), proxy.refused


def get(url: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {url} HTTP/1.1", "Host: lies.example.com", *headers, "", ""]).encode()


async def test_a_request_is_passed_on_to_the_app(app: RawServer) -> None:
    app.answers["/x?y=z"] = http(b"hello", "X-Mine: 1", "Connection: keep-alive")
    answer, refused = await ask(own_app(app.url), get(f"{app.url}/x?y=z", "Proxy-Authorization: Basic eA=="))
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert answer.endswith("\r\n\r\nhello")
    assert "x-mine: 1" in answer.lower()
    assert "connection: close" in answer.lower()
    (head,) = app.heads
    assert head.startswith("GET /x?y=z HTTP/1.1\r\n")
    assert f"host: app.localhost:{app.port}\r\n" in head.lower()
    assert "lies" not in head
    assert "proxy" not in head.lower()
    assert refused == []


async def test_an_answer_without_a_length_comes_whole(app: RawServer) -> None:
    app.answers["/"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    app.answers["/old"] = b"HTTP/1.0 200 OK\r\n\r\nabcde"
    async with BrowserProxy(own_app(app.url)) as proxy, httpx.AsyncClient(proxy=proxy.url) as visitor:
        for path in ("/", "/old"):
            assert (await visitor.get(app.url + path)).text == "abcde"


async def test_a_body_is_passed_on(app: RawServer) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http(await reader.readexactly(500_000)))
        await writer.drain()

    app.answers["/"] = echo
    head = f"POST {app.url}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\nExpect: 100-continue\r\n\r\n"
    answer, _ = await ask(own_app(app.url), head.encode() + b"x" * 500_000)
    assert answer.endswith("\r\n\r\n" + "x" * 500_000)


async def test_an_app_that_answers_before_it_has_read_everything_is_heard(app: RawServer) -> None:
    app.answers["/"] = http(b"too much", status="413 Too Large")
    async with browser(own_app(app.url)) as (_, reader, writer):
        writer.write(f"POST {app.url}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n".encode())
        assert b"413" in await reader.read()


async def test_a_tunnel_carries_both_directions_until_one_side_hangs_up(app: RawServer) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(5)).upper())
        await writer.drain()

    app.answers["/ws"] = shout
    async with browser(own_app(app.url)) as (_, reader, writer):
        writer.write(f"CONNECT app.localhost:{app.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\nhello")
        assert await reader.read() == b"HELLO"


async def test_what_is_sent_into_a_tunnel_too_early_is_not_lost(app: RawServer) -> None:
    app.answers["/ws"] = b"heard"
    head = f"CONNECT app.localhost:{app.port} HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\n\r\n"
    answer, _ = await ask(own_app(app.url), head.encode())
    assert answer.endswith("heard")


@pytest.mark.parametrize(
    "place",
    [
        "localhost:{port}",
        "127.0.0.1:{port}",
        "app.localhost.:{port}",
        "app.localhost:1",
        "[::ffff:7f00:1]:{port}",
    ],
)
async def test_everything_but_the_app_is_refused_with_a_page(app: RawServer, place: str) -> None:
    place = place.format(port=app.port)
    for request in (get(f"http://{place}/"), f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()):
        answer, refused = await ask(own_app(app.url), request)
        assert answer.startswith("HTTP/1.1 403 ")
        assert f"{place} is not a part of the app" in answer
        assert refused == [place]
    assert app.heads == []


async def test_under_nothing_not_even_the_open_internet_is_reached() -> None:
    answer, _ = await ask(Nothing(), get("http://93.184.216.34/"), NameServer("93.184.216.34"))
    assert answer.startswith("HTTP/1.1 403 ")


async def test_a_name_that_leads_inward_is_refused(app: RawServer) -> None:
    names = NameServer("93.184.216.34", "127.0.0.1")
    answer, refused = await ask(PublicAddresses(), get(f"http://a.example.com:{app.port}/"), names)
    assert answer.startswith("HTTP/1.1 403 ")
    assert refused == [f"a.example.com:{app.port}"]
    assert app.heads == []


async def test_the_address_that_was_checked_is_the_one_connected_to(app: RawServer) -> None:
    names = NameServer(turns=[["127.0.0.1"], ["10.0.0.1"]])
    app.answers["/"] = http(b"hello")
    answer, _ = await ask(ANYWHERE, get(f"http://a.example.com:{app.port}/"), names)
    assert answer.endswith("hello")
    assert names.asked == ["a.example.com"]


async def test_a_second_request_on_a_connection_is_not_carried_to_the_first_ones_host(app: RawServer) -> None:
    app.answers["/"] = http(b"one", "Connection: keep-alive")
    two = get(f"{app.url}/") + get(f"http://localhost:{app.port}/two")
    answer, _ = await ask(own_app(app.url), two)
    assert answer.endswith("one")
    assert len(app.heads) == 1


async def test_an_app_that_does_not_answer_is_a_bad_gateway(app: RawServer) -> None:
    answer, _ = await ask(own_app("http://app.localhost:1/"), get("http://app.localhost:1/"))
    assert answer.startswith("HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET https://app.localhost/ HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "GET http://app.localhost@127.0.0.1/ HTTP/1.1",
        "GET http://app.localhost:99999/ HTTP/1.1",
        "GET http:/// HTTP/1.1",
        "GET http://[fe80::1%25eth0]/ HTTP/1.1",
        "CONNECT app.localhost HTTP/1.1",
        "CONNECT a@app.localhost:80 HTTP/1.1",
        "CONNECT app.localhost:80/x HTTP/1.1",
        "CONNECT //app.localhost:80 HTTP/1.1",
    ],
)
async def test_what_no_browser_asks_a_proxy_is_refused(line: str) -> None:
    answer, _ = await ask(ANYWHERE, f"{line}\r\nHost: a\r\n\r\n".encode(), NameServer())
    assert answer.startswith("HTTP/1.1 400 ")


async def test_what_is_not_http_is_hung_up_on() -> None:
    assert await ask(ANYWHERE, b"\x16\x03\x01\x02\x00\r\n\r\n", NameServer()) == ("", [])


async def test_a_page_loads_no_more_than_a_page_may(app: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_proxy, "LARGEST_TOTAL", 100_000)
    app.answers["/"] = http(b"x" * 1_000_000)
    answer, _ = await ask(own_app(app.url), get(f"{app.url}/"))
    assert len(answer) < 200_000


async def test_there_is_a_limit_of_connections(app: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_proxy, "MOST_CONNECTIONS", 1)
    async with browser(own_app(app.url)) as (proxy, _, writer):
        writer.write(b"GET ")
        parts = urlsplit(proxy.url)
        reader, second = await asyncio.open_connection(parts.hostname, parts.port)
        assert await reader.read() == b""
        second.close()


async def test_its_port_and_its_connections_end_with_it(app: RawServer) -> None:
    async with browser(own_app(app.url)) as (proxy, reader, writer):
        writer.write(f"CONNECT app.localhost:{app.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        parts = urlsplit(proxy.url)
        await proxy.close()
        assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(parts.hostname, parts.port)


@pytest.mark.parametrize(
    ("method", "asked", "target"),
    [
        ("GET", "http://A.example.com", Target("a.example.com", 80, "/")),
        ("GET", "http://a.example.com?q", Target("a.example.com", 80, "/?q")),
        ("GET", "http://a.example.com:8000/x;y?", Target("a.example.com", 8000, "/x;y?")),
        ("GET", "http://[::1]:8000/", Target("::1", 8000, "/")),
        ("CONNECT", "a.example.com:443", Target("a.example.com", 443, "")),
        ("CONNECT", "[::1]:443", Target("::1", 443, "")),
    ],
)
def test_what_is_asked_for_is_read(method: str, asked: str, target: Target) -> None:
    assert target_of(h11.Request(method=method, target=asked, headers=[("host", "a")])) == target
