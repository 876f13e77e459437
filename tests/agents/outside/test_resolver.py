import socket

import pytest

from agents.outside.resolver import resolve


@pytest.mark.parametrize("name", ["localhost", "localhost.", "8000-abc.localhost", "X.LocalHost."])
async def test_localhost_and_what_is_below_it_is_this_machine(name: str) -> None:
    assert await resolve(name, 80) == ["127.0.0.1", "::1"]


@pytest.mark.parametrize("name", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_other_spellings_of_an_ip_address_are_read(name: str) -> None:
    assert await resolve(name, 80) == ["127.0.0.1"]


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(socket.gaierror):
        await resolve("no-such-name.invalid", 80)
