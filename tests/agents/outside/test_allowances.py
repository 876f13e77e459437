"""What each allowance lets through."""

import pytest
from pytest_django import Settings

from agents.outside.allowances import Nothing, OwnApp, PublicAddresses, is_public, own_app

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.10",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
NOT_THE_APP = [
    ("8000-abc.localhost.", 9000),
    ("8000-abc.localhost", 9001),
    ("8000-abc.localhost", 80),
    ("localhost", 9000),
    ("127.0.0.1", 9000),
    ("x.8000-abc.localhost", 9000),
    ("8000-abd.localhost", 9000),
    ("", 9000),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_open_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::5e"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(("host", "port"), NOT_THE_APP)
def test_the_app_is_one_host_and_one_port(host: str, port: int) -> None:
    app = own_app("http://8000-abc.localhost:9000/orders")
    assert app.admits("8000-ABC.localhost", 9000)
    assert not app.admits(host, port)


def test_a_port_that_is_not_written_is_the_schemes(settings: Settings) -> None:
    settings.PRIVATE_PREVIEWS = False
    assert own_app("https://8000-abc.e2b.app/") == OwnApp("8000-abc.e2b.app", 443)
    assert own_app("http://8000-abc.e2b.app") == OwnApp("8000-abc.e2b.app", 80)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "javascript:1", "http://", "http://a:99999/"])
def test_what_is_no_address_of_an_app_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not the address of an app|out of range"):
        own_app(url)


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_app_elsewhere_is_not_reached_on_a_private_address(ip: str) -> None:
    assert not OwnApp("8000-abc.e2b.app", 443).may_reach(ip)


def test_a_local_sandboxs_app_is_on_this_machine_and_nowhere_else() -> None:
    app = OwnApp("8000-abc.localhost", 9000, in_office=True)
    assert app.may_reach("127.0.0.1")
    assert app.may_reach("::1")
    assert not any(map(app.may_reach, ["10.0.0.1", "169.254.169.254", "1.1.1.1"]))


def test_the_operators_own_sandboxes_may_be_in_the_operators_network() -> None:
    app = OwnApp("8000-abc.sandboxes.example.com", 443, in_office=True)
    assert all(map(app.may_reach, ["10.0.0.1", "192.168.1.9", "fd12:3456::1", "1.1.1.1"]))
    assert not any(map(app.may_reach, ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "fe80::1"]))


def test_public_addresses_are_public_under_any_name_and_port() -> None:
    public = PublicAddresses()
    assert public.admits("example.com", 8443)
    assert public.may_reach("1.1.1.1")
    assert not any(map(public.may_reach, PRIVATE))
    assert PublicAddresses(private_too=True).may_reach("127.0.0.1")


def test_nothing_is_nothing() -> None:
    assert not Nothing().admits("example.com", 443)
    assert not Nothing().may_reach("1.1.1.1")
