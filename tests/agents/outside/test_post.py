"""Requests to addresses that founders enter."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from agents.outside import http_client, post
from agents.outside.guard import AddressRefused, NotDelivered
from tests.agents.outside.names import NameServer
from tests.receiver import receiving

INWARD = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0/",
    "https://localhost/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://10.1.2.3:8443/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://127。0。0。1/",
]
NO_ADDRESS = [
    "",
    "hooks.example.com",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:///path",
    "https://",
    "https://example.com:99999/",
    "https://[::1",
    "https://0177.0.0.1/",
    "https://example.com/\r\nHost: other",
    "https://example.com/" + "x" * 1000,
]


@pytest.fixture(autouse=True)
def _public_only(settings: Settings) -> None:
    settings.PRIVATE_WEBHOOKS = False


@pytest.mark.parametrize("url", INWARD)
async def test_an_address_that_leads_inward_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(AddressRefused, match="private network"):
        await post.post(url, b"", {})


@pytest.mark.parametrize("found", [["10.0.0.8"], ["93.184.216.34", "127.0.0.1"], ["::1", "2606:4700::1111"]])
async def test_a_name_that_leads_inward_is_refused_even_when_only_in_part(found: list[str]) -> None:
    with pytest.raises(AddressRefused, match=r"hooks\.example\.com leads into a private network"):
        await post.post("https://hooks.example.com/", b"", {}, resolver=NameServer(*found))


@pytest.mark.parametrize("url", NO_ADDRESS, ids=range(len(NO_ADDRESS)))
async def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await post.check(url, NameServer())


async def test_plain_http_is_refused() -> None:
    with pytest.raises(AddressRefused, match="https://"):
        await post.check("http://hooks.example.com/", NameServer())


async def test_a_name_and_password_in_the_address_are_refused() -> None:
    with pytest.raises(AddressRefused, match="signed"):
        await post.check("https://me:secret@hooks.example.com/", NameServer())


async def test_an_address_is_checked_before_it_is_kept() -> None:
    await post.check("https://hooks.example.com/", NameServer("93.184.216.34"))
    with pytest.raises(AddressRefused, match="private network"):
        await post.check("https://hooks.example.com/", NameServer("10.0.0.8"))


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(NotDelivered, match=r"no-such-name\.invalid cannot be found"):
        await post.post("https://no-such-name.invalid/", b"", {})


async def test_it_connects_to_exactly_the_address_that_was_checked(settings: Settings) -> None:
    settings.PRIVATE_WEBHOOKS = True
    names = NameServer("127.0.0.1")
    with receiving() as receiver:
        url = f"http://hooks.example.com:{receiver.port}/a?b=c"
        await post.post(url, b"{}", {"X-Mine": "1"}, resolver=names)
    (request,) = receiver.received
    assert names.asked == ["hooks.example.com"]  # looked up once: a different second answer has no effect
    assert (request.path, request.body) == ("/a?b=c", b"{}")
    assert request.headers["host"] == f"hooks.example.com:{receiver.port}"
    assert request.headers["x-mine"] == "1"


async def test_a_redirect_is_not_followed(settings: Settings) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving() as receiver, receiving() as other:
        receiver.answers = [(307, {"Location": other.url})]
        with pytest.raises(NotDelivered, match="answered 307: redirects are not followed"):
            await post.post(receiver.url, b"", {})
    assert other.received == []


@pytest.mark.parametrize(
    ("status", "words"), [(400, "400 Bad Request"), (500, "500 Internal Server Error"), (599, "599")]
)
async def test_another_answer_is_no_delivery(settings: Settings, status: int, words: str) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving() as receiver:
        receiver.answers = [(status, {})]
        with pytest.raises(NotDelivered, match=f"It answered {words}."):
            await post.post(receiver.url, b"", {})


async def test_a_server_that_never_answers_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRIVATE_WEBHOOKS = True
    monkeypatch.setattr(post, "SECONDS", 0.2)
    with receiving() as receiver:
        receiver.silent.set()
        with pytest.raises(NotDelivered, match="did not answer"):
            await post.post(receiver.url, b"", {})


async def test_a_refused_connection_is_reported(settings: Settings) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with pytest.raises(NotDelivered, match="nothing answers there"):
        await post.post("http://127.0.0.1:1/", b"", {})


async def test_the_next_address_of_a_name_is_tried(settings: Settings) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving() as receiver:
        url = f"http://hooks.example.com:{receiver.port}/"
        await post.post(url, b"", {}, resolver=NameServer("127.0.0.99", "127.0.0.1"))
    assert len(receiver.received) == 1


async def test_a_proxy_of_the_environment_is_not_asked_to_connect(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await post.post(receiver.url, b"", {})
    assert (len(receiver.received), len(proxy.received)) == (1, 0)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A TLS certificate for hooks.example.com, trusted by this process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(encoding))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    http_client._tls.cache_clear()
    yield tls
    http_client._tls.cache_clear()


async def test_the_certificate_is_that_of_the_name_not_of_the_number(
    settings: Settings, certificate: Any
) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving(certificate) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/"
        await post.post(url, b"", {}, resolver=NameServer("127.0.0.1"))
    assert len(receiver.received) == 1


async def test_another_s_certificate_is_refused(settings: Settings, certificate: Any) -> None:
    settings.PRIVATE_WEBHOOKS = True
    with receiving(certificate) as receiver:
        url = f"https://other.example.com:{receiver.port}/"
        with pytest.raises(NotDelivered, match="certificate is not valid"):
            await post.post(url, b"", {}, resolver=NameServer("127.0.0.1"))
    assert receiver.received == []
