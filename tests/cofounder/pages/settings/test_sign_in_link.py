"""One-time sign-in links."""

from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.test import Client

from cofounder.accounts import sign_in_links
from cofounder.models import User


def _path(user: User, to: str = "/projects") -> str:
    return urlsplit(sign_in_links.make_link(user, to)).path


def test_a_link_signs_in_and_leads_on(founder: User, client: Client) -> None:
    answer = client.post(_path(founder, "/settings"))
    assert answer.headers["Location"] == "/settings"
    assert founder.email in client.get("/settings").text


def test_opening_a_link_does_not_use_it_up(founder: User, client: Client) -> None:
    path = _path(founder)
    assert client.get(path).status_code == 200
    assert client.get("/projects").status_code == 302
    assert client.post(path).status_code == 302


def test_a_link_works_once(founder: User, client: Client) -> None:
    path = _path(founder)
    client.post(path)
    again = Client().post(path)
    assert again.status_code == 410
    assert "used up" in again.text


def test_a_link_is_good_for_an_hour(founder: User, client: Client) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign_in_links, "SECONDS", -1)
        assert client.get(_path(founder)).status_code == 410


@pytest.mark.parametrize(
    "token", ["x", "a:b:c", signing.dumps({"user": "?"}, salt="another")], ids=["word", "parts", "foreign"]
)
def test_an_unknown_token_is_refused(db: None, client: Client, token: str) -> None:
    assert client.get(f"/enter/{token}").status_code == 410


def test_a_link_of_a_closed_account_is_refused(founder: User, client: Client) -> None:
    path = _path(founder)
    founder.is_active = False
    founder.save(update_fields=["is_active"])
    assert client.post(path).status_code == 410


@pytest.mark.parametrize("path", ["https://example.org/", "//example.org", "projects", ""])
def test_a_link_leads_only_to_paths_of_ours(founder: User, path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        sign_in_links.make_link(founder, path)
