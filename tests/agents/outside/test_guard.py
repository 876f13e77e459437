"""Each connection goes to an IP address that was checked for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.outside import guard
from agents.outside.allowances import Nothing, OwnApp, PublicAddresses
from agents.outside.guard import AddressRefused, HostUnknown
from tests.agents.outside.names import NameServer

ANYWHERE = PublicAddresses(private_too=True)
PUBLIC = "93.184.216.34"


class NoNames:
    async def __call__(self, host: str, port: int, /) -> list[str]:
        raise AssertionError(f"{host} was looked up")


class Listener:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0

    def count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listening = Listener(0)
    server = await asyncio.start_server(listening.count, "127.0.0.1", 0)
    listening.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listening


@pytest.mark.parametrize("allowance", [Nothing(), OwnApp("app.example.com", 443)])
async def test_a_name_that_is_not_admitted_is_not_even_looked_up(allowance: Nothing | OwnApp) -> None:
    with pytest.raises(AddressRefused, match=r"other\.example\.com on port 443 is not allowed"):
        await guard.addresses(allowance, "other.example.com", 443, NoNames())


@pytest.mark.parametrize("found", [["10.0.0.8"], [PUBLIC, "127.0.0.1"], [PUBLIC, "::ffff:169.254.169.254"]])
async def test_a_name_of_which_one_address_leads_inward_is_refused(found: list[str]) -> None:
    for allowance in (PublicAddresses(), OwnApp("a.example.com", 443)):
        with pytest.raises(AddressRefused, match="leads into a private network"):
            await guard.addresses(allowance, "a.example.com", 443, NameServer(*found))


async def test_a_name_without_addresses_is_unknown() -> None:
    with pytest.raises(HostUnknown):
        await guard.addresses(PublicAddresses(), "a.example.com", 443, NameServer())
    with pytest.raises(HostUnknown):
        await guard.addresses(PublicAddresses(), "no-such-name.invalid", 443)


async def test_no_more_than_a_few_addresses_are_tried() -> None:
    many = [f"93.184.216.{last}" for last in range(50)]
    found = await guard.addresses(PublicAddresses(), "a.example.com", 443, NameServer(*many))
    assert found == many[: guard.MOST_TRIED]


async def test_a_name_is_looked_up_once_for_a_connection(listener: Listener) -> None:
    """A name server that answers differently a moment later changes nothing."""
    names = NameServer(turns=[["127.0.0.1"], ["127.0.0.99"]])
    _, writer = await guard.connect(ANYWHERE, "a.example.com", listener.port, names)
    writer.close()
    assert names.asked == ["a.example.com"]
    assert listener.connections == 1


async def test_the_next_connection_is_checked_anew(listener: Listener) -> None:
    names = NameServer(turns=[[PUBLIC], ["127.0.0.1"]])
    await guard.addresses(PublicAddresses(), "a.example.com", listener.port, names)
    with pytest.raises(AddressRefused):
        await guard.connect(PublicAddresses(), "a.example.com", listener.port, names)
    assert listener.connections == 0


async def test_the_next_address_is_tried(listener: Listener) -> None:
    names = NameServer("127.0.0.99", "127.0.0.1")
    _, writer = await guard.connect(ANYWHERE, "a.example.com", listener.port, names)
    writer.close()
    assert listener.connections == 1


async def test_an_app_that_does_not_listen_is_an_os_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        await guard.connect(ANYWHERE, "a.example.com", 1, NameServer("127.0.0.1"))
