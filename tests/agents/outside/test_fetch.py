"""Asking an app for a page: within the app, and bounded."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from agents.outside.allowances import own_app
from agents.outside.fetch import Page, Unreachable, fetch
from tests.agents.outside.names import NameServer
from tests.agents.outside.raw_server import RawServer, http, raw_server

LARGEST = 10_000


@pytest.fixture
async def app() -> AsyncIterator[RawServer]:
    async with raw_server() as running:
        yield running


async def page_of(app: RawServer, path: str = "/", seconds: float = 5) -> Page:
    return await fetch(app.url + path, own_app(app.url), seconds=seconds, largest=LARGEST)


async def test_a_page_is_fetched_under_the_apps_own_name(app: RawServer) -> None:
    app.answers["/"] = http(b"<h1>Hello</h1>")
    assert await page_of(app) == Page(200, "text/html", "<h1>Hello</h1>")
    assert f"Host: app.localhost:{app.port}" in app.heads[0]


async def test_a_redirect_within_the_app_is_followed_with_its_cookies(app: RawServer) -> None:
    app.answers["/"] = http(b"", "Location: /home", "Set-Cookie: seen=1; Path=/", status="302 Found")
    app.answers["/home"] = http(b"home")
    assert (await page_of(app)).body == "home"
    assert "Cookie: seen=1" in app.heads[1]


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://app.localhost.:{port}/x",
        "//other.localhost:{port}/x",
        "https://app.localhost:{other}/x",
        "http://app.localhost:{other}/",
        "http://me:secret@[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest",
        "http://metadata.google.internal./",
    ],
)
async def test_a_redirect_out_of_the_app_is_told_and_not_followed(app: RawServer, place: str) -> None:
    async with raw_server() as other:
        to = place.format(port=app.port, other=other.port)
        app.answers["/"] = http(b"", f"Location: {to}", status="302 Found")
        page = await page_of(app)
    assert (page.http_status, page.body) == (302, "")
    assert page.leads_to
    assert "secret" not in page.leads_to
    assert (len(app.heads), other.heads) == (1, [])


async def test_redirects_without_end_are_given_up(app: RawServer) -> None:
    app.answers["/"] = http(b"", "Location: /", status="302 Found")
    with pytest.raises(Unreachable):
        await page_of(app)


async def test_another_address_than_the_apps_is_not_asked(app: RawServer) -> None:
    with pytest.raises(Unreachable):
        await fetch(app.url, own_app("http://other.localhost:1/"), seconds=5, largest=LARGEST)
    assert app.heads == []


async def test_a_name_that_leads_elsewhere_is_not_asked(app: RawServer) -> None:
    names = NameServer("10.0.0.1")
    with pytest.raises(Unreachable):
        await fetch(app.url, own_app(app.url), seconds=5, largest=LARGEST, resolver=names)
    assert names.asked == ["app.localhost"]


async def test_a_body_is_read_up_to_its_limit(app: RawServer) -> None:
    written = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 1000)
            written += 1000
            await writer.drain()

    app.answers["/"] = endless
    assert (await page_of(app)).body == "x" * LARGEST


async def test_a_packed_body_does_not_unpack_to_more(app: RawServer) -> None:
    app.answers["/"] = http(gzip.compress(b"x" * 8_000_000), "Content-Encoding: gzip")
    assert (await page_of(app)).body == "x" * LARGEST
    assert "Accept-Encoding: identity" in app.heads[0]


async def test_a_body_that_is_packed_badly_is_read_as_it_is(app: RawServer) -> None:
    app.answers["/"] = http(b"plain", "Content-Encoding: gzip")
    assert (await page_of(app)).body == "plain"


async def test_an_answer_that_drips_is_not_waited_for(app: RawServer) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    app.answers["/"] = drip
    with pytest.raises(Unreachable):
        await page_of(app, seconds=0.2)


@pytest.mark.parametrize("charset", ["no-such-thing", "punycode", "hex", "unicode_escape", ""])
async def test_a_charset_that_is_none_of_the_webs_is_read_as_utf_8(app: RawServer, charset: str) -> None:
    plain = http("grüß".encode())
    app.answers["/"] = plain.replace(b"text/html", f"text/html; charset={charset}".encode())
    assert (await page_of(app)).body == "grüß"


@pytest.mark.parametrize(
    "raw", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 302 Found\r\nLocation: http://a:b/\r\n\r\n"]
)
async def test_what_is_no_answer_is_unreachable(app: RawServer, raw: bytes) -> None:
    app.answers["/"] = raw
    with pytest.raises(Unreachable):
        await page_of(app)
