"""Requests to addresses that founders enter: only public ones, and only the IP address that was checked."""

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

SECONDS = 10.0  # for everything: name lookup, connection, response
LONGEST = 1000  # characters of an address
MOST_TRIED = 3  # of a name's IP addresses
UNICAST = IPv6Network("2000::/3")  # the public part of IPv6

_NAMES = ThreadPoolExecutor(4, thread_name_prefix="names")  # a slow name server delays nothing else

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(CofounderError):
    """Messages cannot be sent to this address."""


class NotDelivered(Exception):
    """The message was not delivered; another attempt may succeed."""


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host name, from the system's resolver; it also reads unusual forms of an IP."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_NAMES, ask)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def parse(address: str) -> httpx.URL:
    """The address as a URL, checked. Raises `AddressRefused`."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise AddressRefused("This is not a valid address.", field="url") from error
    if url.scheme != "https" and not (settings.PRIVATE_WEBHOOKS and url.scheme == "http"):
        raise AddressRefused("The address must begin with https://.", field="url")
    if not url.host or len(address) > LONGEST or (url.port or 443) > 65535:
        raise AddressRefused("This is not a valid address.", field="url")
    if url.userinfo:
        raise AddressRefused("Leave name and password out of the address: messages are signed.", field="url")
    return url


async def public_addresses(url: httpx.URL, resolve: Resolve = resolve) -> list[str]:
    """The IP addresses of a URL's host, all of them public. Raises `AddressRefused`, `NotDelivered`."""
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
    """Whether an IP address is public. Those that embed another address (6to4, Teredo) never are."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast
    is_tunnel = ip.sixtofour is not None or ip.teredo is not None
    return ip in UNICAST and ip.is_global and not is_tunnel


async def post(address: str, body: bytes, headers: Mapping[str, str], resolve: Resolve = resolve) -> None:
    """POST; any 2xx is a success. Redirects are not followed and the response's body is not read.

    Raises `AddressRefused` when a retry cannot help, and `NotDelivered` with a sentence when it may.
    """
    url = parse(address)
    try:
        async with asyncio.timeout(SECONDS):
            status = await _post_to_one(url, await public_addresses(url, resolve), body, headers)
    except TimeoutError as error:
        raise NotDelivered(f"It did not answer within {SECONDS:.0f} seconds.") from error
    except httpx.HTTPError as error:
        raise NotDelivered(_reason(error)) from error
    if 300 <= status < 400:
        raise NotDelivered(f"It answered {status}: redirects are not followed. Enter the final address.")
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {_status_text(status)}.")


async def _post_to_one(url: httpx.URL, found: list[str], body: bytes, headers: Mapping[str, str]) -> int:
    """POST to the first of these IP addresses that can be reached; its HTTP status."""
    *others, last = found[:MOST_TRIED]
    for ip in others:
        try:
            return await _post_to(ip, url, body, headers)
        except httpx.ConnectError:
            continue
    return await _post_to(last, url, body, headers)


async def _post_to(ip: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> int:
    """Connect to this IP address, with the URL's host in the Host header and for the certificate."""
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


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _reason(error: httpx.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate is not valid: {cause.verify_message}."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "It cannot be reached: nothing answers there."
    return "The connection was lost before it answered."
