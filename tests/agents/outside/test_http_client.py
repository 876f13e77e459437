import httpx
import pytest

from agents.outside.allowances import OwnApp, PublicAddresses
from agents.outside.guard import AddressRefused
from agents.outside.http_client import client, port_of
from tests.agents.outside.names import NameServer
from tests.receiver import receiving


@pytest.mark.parametrize(
    ("url", "port"), [("http://a/", 80), ("https://a/", 443), ("https://a:8443/", 8443), ("ftp://a/", 0)]
)
def test_the_port_of_an_address(url: str, port: int) -> None:
    assert port_of(httpx.URL(url)) == port


async def test_a_request_goes_to_the_checked_address_under_its_name() -> None:
    names = NameServer(turns=[["127.0.0.1"], ["127.0.0.99"]])
    with receiving() as receiver:
        async with client(PublicAddresses(private_too=True), seconds=5, resolver=names) as http:
            await http.post(f"http://a.example.com:{receiver.port}/x?y=z", content=b"body")
    (request,) = receiver.received
    assert (request.path, request.body) == ("/x?y=z", b"body")
    assert request.headers["host"] == f"a.example.com:{receiver.port}"


async def test_each_request_is_checked_even_to_a_name_that_was_asked_before() -> None:
    names = NameServer(turns=[["127.0.0.1"], ["10.0.0.1"]])
    with receiving() as receiver:
        async with client(OwnApp("a.localhost", receiver.port), seconds=5, resolver=names) as http:
            await http.post(f"http://a.localhost:{receiver.port}/")
            with pytest.raises(AddressRefused):
                await http.post(f"http://a.localhost:{receiver.port}/")
    assert len(receiver.received) == 1


async def test_a_redirect_is_not_followed_by_itself() -> None:
    with receiving() as receiver, receiving() as other:
        receiver.answers = [(307, {"Location": other.url})]
        async with client(PublicAddresses(private_too=True), seconds=5) as http:
            assert (await http.post(receiver.url)).status_code == 307
    assert other.received == []
