"""Requests to addresses that founders name: to public ones alone, and to the very one that was looked at."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Network, ip_address

import httpx
from django.conf import settings

from jobs.errors import CofounderError

SECONDS = 10.0  # for all of it: the name, the connection, the answer
LONGEST = 1000  # characters of an address
MOST_TRIED = 3  # of the addresses a name has
UNICAST = IPv6Network("2000::/3")  # what of IPv6 is public at all

_NAMES = ThreadPoolExecutor(4, thread_name_prefix="names")  # a slow name server holds nothing else up

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(CofounderError):
    """Nothing is sent to this address."""


class NotDelivered(Exception):
    """Nobody took it; another try may help."""


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, as the system knows them; odd spellings of an address count as names."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_NAMES, ask)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def parse(address: str) -> httpx.URL:
    """The address as it will be called. Raises `AddressRefused`."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise AddressRefused("This is not an address.", field="url") from error
    if url.scheme != "https" and not (settings.PRIVATE_WEBHOOKS and url.scheme == "http"):
        raise AddressRefused("The address must begin with https://.", field="url")
    if not url.host or len(address) > LONGEST or (url.port or 443) > 65535:
        raise AddressRefused("This is not an address.", field="url")
    if url.userinfo:
        raise AddressRefused("Leave name and password out of the address: messages are signed.", field="url")
    return url


async def public_addresses(url: httpx.URL, resolve: Resolve = resolve) -> list[str]:
    """The IP addresses behind a URL, when all of them are public. Raises `AddressRefused`, `NotDelivered`."""
    try:
        found = await resolve(url.raw_host.decode(), _port(url))
    except (OSError, UnicodeError) as error:
        raise NotDelivered(f"{url.host} cannot be found.") from error
    if not found:
        raise NotDelivered(f"{url.host} cannot be found.")
    if not settings.PRIVATE_WEBHOOKS and not all(map(is_public, found)):
        raise AddressRefused(f"{url.host} leads into a private network.", field="url")
    return found


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet. Of those that carry another inside, none is."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast
    is_tunnel = ip.sixtofour is not None or ip.teredo is not None
    return ip in UNICAST and ip.is_global and not is_tunnel


async def post(address: str, body: bytes, headers: Mapping[str, str], resolve: Resolve = resolve) -> None:
    """POST, and be content with any 2xx; no redirect is followed and no answer's body is read.

    Raises `AddressRefused` where another try cannot help, and `NotDelivered` with a sentence where it may.
    """
    url = parse(address)
    try:
        async with asyncio.timeout(SECONDS):
            status = await _post_to_one(url, await public_addresses(url, resolve), body, headers)
    except TimeoutError as error:
        raise NotDelivered(f"It did not answer within {SECONDS:.0f} seconds.") from error
    except httpx.HTTPError as error:
        raise NotDelivered(_in_words(error)) from error
    if 300 <= status < 400:
        raise NotDelivered(f"It answered {status}: redirects are not followed. Enter the final address.")
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {_named(status)}.")


async def _post_to_one(url: httpx.URL, found: list[str], body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the first of these IP addresses that lets itself be reached."""
    *others, last = found[:MOST_TRIED]
    for ip in others:
        try:
            return await _post_to(ip, url, body, headers)
        except httpx.ConnectError:
            continue
    return await _post_to(last, url, body, headers)


async def _post_to(ip: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> int:
    """Connect to this IP address, but speak to the host of the URL: its certificate is the one looked at."""
    host = url.raw_host.decode()
    client = httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=SECONDS, follow_redirects=False)
    async with (
        client,
        client.stream(
            "POST",
            url.copy_with(host=ip),
            content=body,
            headers={**headers, "Host": url.netloc.decode()},
            extensions={"sni_hostname": host},
        ) as answer,
    ):
        return answer.status_code


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _in_words(error: httpx.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate is not valid: {cause.verify_message}."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "It cannot be reached: nobody answers there."
    return "The connection broke off before it answered."
