"""GET a page of an app: redirects are followed within the app, and time and size are bounded."""

import asyncio
import zlib
from dataclasses import dataclass

import httpx

from agents.outside.allowances import OwnApp
from agents.outside.guard import AddressRefused, HostUnknown
from agents.outside.http_client import client, port_of
from agents.outside.resolver import Resolver, resolve

MOST_HOPS = 10
CHARSETS = frozenset(
    [
        *("utf-8", "utf-16", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-15", "koi8-r"),
        *("windows-1250", "windows-1251", "windows-1252", "shift_jis", "euc-jp", "euc-kr"),
        *("gb2312", "gbk", "gb18030", "big5"),
    ]
)
UNPACKED = zlib.MAX_WBITS | 32  # gzip or zlib, whichever it is


class Unreachable(Exception):
    """The app gave no answer that can be read."""


@dataclass(frozen=True)
class Page:
    """The answer; `leads_to` is the address outside of the app that it redirects to, if it does."""

    http_status: int
    content_type: str = ""
    body: str = ""
    leads_to: str = ""


async def fetch(url: str, app: OwnApp, *, seconds: float, largest: int, resolver: Resolver = resolve) -> Page:
    """The page, of its body at most `largest` bytes. Raises `Unreachable`."""
    try:
        async with asyncio.timeout(seconds), client(app, seconds=seconds, resolver=resolver) as http:
            return await _follow(http, http.build_request("GET", url, headers=_HEADERS), app, largest)
    except (httpx.HTTPError, httpx.InvalidURL, HostUnknown, AddressRefused, TimeoutError) as error:
        raise Unreachable from error


_HEADERS = {"Accept-Encoding": "identity"}  # what is not packed cannot unpack to more


async def _follow(http: httpx.AsyncClient, request: httpx.Request, app: OwnApp, largest: int) -> Page:
    for _ in range(MOST_HOPS):
        response = await http.send(request, stream=True)
        try:
            if response.next_request is None:
                body = await _body(response, largest)
                return Page(response.status_code, response.headers.get("content-type", ""), body)
            request = response.next_request
            if not app.admits(request.url.raw_host.decode(), port_of(request.url)):
                return Page(response.status_code, leads_to=_place(request.url))
        finally:
            await response.aclose()
    raise Unreachable("It redirects without end.")


async def _body(response: httpx.Response, largest: int) -> str:
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > largest:
            break
    return _unpacked(response, bytes(raw[:largest]), largest).decode(_charset(response), errors="replace")


def _unpacked(response: httpx.Response, raw: bytes, largest: int) -> bytes:
    """Some servers pack although they were asked not to."""
    if response.headers.get("content-encoding", "").lower() not in ("gzip", "x-gzip", "deflate"):
        return raw
    try:
        return zlib.decompressobj(UNPACKED).decompress(raw, largest)
    except zlib.error:
        return raw


def _charset(response: httpx.Response) -> str:
    """Of those that Python knows, some are no text and some take quadratic time."""
    named = (response.charset_encoding or "").lower()
    return named if named in CHARSETS else "utf-8"


def _place(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"[:200]
