"""A sign-in with a second factor, by real codes."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from cofounder.models import User
from tests.cofounder.test_limits import basic
from tests.conftest import give_second_factor

LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery"


def code_of(seed: str) -> str:
    return format_hotp_value(hotp_value(seed, int(time.time()) // 30))


def enter(client: Client, user: User) -> str:
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD}).headers["Location"]


def test_an_app_is_set_up_and_then_asked_for(founder: User, client: Client) -> None:
    assert enter(client, founder) == "/projects"
    page = client.get("/accounts/2fa/totp/activate/")
    assert "Is it you?" in client.get(page.headers["Location"]).text
    page = client.post(page.headers["Location"], {"password": PASSWORD}, follow=True)
    assert page.status_code == 200, page.headers
    (seed,) = re.findall(r'class="seed">(\w+)<', page.text)
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(seed)})
    assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
    codes = re.findall(r"<li><code>(\d+)</code>", client.get("/accounts/2fa/recovery-codes/").text)
    assert len(codes) == 10

    other = Client()
    assert enter(other, founder) == "/accounts/2fa/authenticate/"
    assert other.get("/projects").status_code == 302
    assert "One more step" in other.get("/accounts/2fa/authenticate/").text
    assert other.post("/accounts/2fa/authenticate/", {"code": codes[0]}).headers["Location"] == "/projects"
    assert other.get("/projects").status_code == 200


def test_a_code_signs_in_and_wrong_ones_are_counted(founder: User, client: Client) -> None:
    seed = give_second_factor(founder)
    enter(client, founder)
    for _ in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    locked = client.post("/accounts/2fa/authenticate/", {"code": code_of(seed)})
    assert "Too many failed" in locked.text
    cache.clear()
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(seed)})
    assert answer.headers["Location"] == "/projects"


def test_a_password_alone_makes_no_token_where_there_is_a_second_factor(
    founder: User, client: Client
) -> None:
    give_second_factor(founder)
    answer = client.post("/api/auth/tokens", headers=basic(founder.email, PASSWORD))
    assert (answer.status_code, "Settings" in answer.json()["error"]["message"]) == (401, True)


def test_its_seed_is_encrypted_and_turned_with_the_keys(founder: User) -> None:
    seed = give_second_factor(founder)
    before = Authenticator.objects.get().data["secret"]
    assert seed not in before
    call_command("rotate_keys")
    after = Authenticator.objects.get()
    assert after.data["secret"] != before
    assert after.wrap().validate_code(code_of(seed))


@pytest.mark.parametrize(
    "page", ["", "totp/activate/", "webauthn/", "webauthn/add/", "recovery-codes/generate/"]
)
def test_its_pages_have_our_look(founder: User, client: Client, page: str) -> None:
    enter(client, founder)
    assert "cofounder/base.css" in client.get(f"/accounts/2fa/{page}", follow=True).text
