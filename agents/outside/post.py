"""POST to an address that a founder entered: public ones alone, over https."""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import httpx
from django.conf import settings

from agents.outside import guard
from agents.outside.allowances import PublicAddresses
from agents.outside.guard import AddressRefused, HostUnknown, NotDelivered
from agents.outside.http_client import client, port_of
from agents.outside.resolver import Resolver, resolve

SECONDS = 10.0  # for everything: name lookup, connection, response
LONGEST = 1000  # characters of an address


async def check(address: str, resolver: Resolver = resolve) -> None:
    """Whether messages can be sent to this address. Raises `AddressRefused`, `NotDelivered`."""
    url = _parse(address)
    try:
        async with asyncio.timeout(SECONDS):
            await guard.addresses(_allowance(), url.raw_host.decode(), port_of(url), resolver)
    except (HostUnknown, TimeoutError) as error:
        raise NotDelivered(f"{url.host} cannot be found.") from error


async def post(address: str, body: bytes, headers: Mapping[str, str], resolver: Resolver = resolve) -> None:
    """POST; any 2xx is a success. Redirects are not followed and the response's body is not read.

    Raises `AddressRefused` when a retry cannot help, and `NotDelivered` with a sentence when it may.
    """
    url = _parse(address)
    try:
        async with (
            asyncio.timeout(SECONDS),
            client(_allowance(), seconds=SECONDS, resolver=resolver) as http,
            http.stream("POST", url, content=body, headers=headers) as response,
        ):
            status = response.status_code
    except TimeoutError as error:
        raise NotDelivered(f"It did not answer within {SECONDS:.0f} seconds.") from error
    except HostUnknown as error:
        raise NotDelivered(f"{url.host} cannot be found.") from error
    except httpx.HTTPError as error:
        raise NotDelivered(_reason(error)) from error
    if 300 <= status < 400:
        raise NotDelivered(f"It answered {status}: redirects are not followed. Enter the final address.")
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {_status_text(status)}.")


def _allowance() -> PublicAddresses:
    return PublicAddresses(private_too=settings.PRIVATE_WEBHOOKS)


def _parse(address: str) -> httpx.URL:
    """The address as a URL, its spelling checked. Raises `AddressRefused`."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise AddressRefused("This is not a valid address.", field="url") from error
    if url.scheme != "https" and not (settings.PRIVATE_WEBHOOKS and url.scheme == "http"):
        raise AddressRefused("The address must begin with https://.", field="url")
    if not url.host or len(address) > LONGEST or port_of(url) > 65535:
        raise AddressRefused("This is not a valid address.", field="url")
    if url.userinfo:
        raise AddressRefused("Leave name and password out of the address: messages are signed.", field="url")
    return url


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
