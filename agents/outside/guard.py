"""Checks each connection: the name against the allowance, then every IP address that it resolves to."""

import asyncio

from agents.outside.allowances import Allowance
from agents.outside.resolver import Resolver, resolve
from jobs.errors import CofounderError

MOST_TRIED = 3  # of a name's IP addresses
CONNECT_SECONDS = 5.0  # for each of them


class AddressRefused(CofounderError):
    """Nothing connects to this address."""


class HostUnknown(Exception):
    """A name has no IP address, or not now."""


class NotDelivered(Exception):
    """A message was not delivered; another attempt may succeed."""


async def addresses(allowance: Allowance, host: str, port: int, resolver: Resolver = resolve) -> list[str]:
    """The IP addresses to connect to, in the order to try them; the caller connects to no other.

    Raises `AddressRefused` when even one of them may not be reached, and `HostUnknown`.
    """
    if not allowance.admits(host, port):
        raise AddressRefused(f"{host} on port {port} is not allowed here.", field="url")
    try:
        found = await resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"{host} cannot be found.") from error
    if not found:
        raise HostUnknown(f"{host} cannot be found.")
    if not all(map(allowance.may_reach, found)):
        raise AddressRefused(f"{host} leads into a private network.", field="url")
    return found[:MOST_TRIED]


async def connect(
    allowance: Allowance, host: str, port: int, resolver: Resolver = resolve
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address that can be reached. Raises as `addresses`, and `OSError`."""
    trouble: OSError = ConnectionRefusedError(host)
    for ip in await addresses(allowance, host, port, resolver):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(ip, port)
        except OSError as error:  # also TimeoutError
            trouble = error
    raise trouble
