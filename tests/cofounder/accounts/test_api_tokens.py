"""What ends tokens for programs."""

from django.test import Client
from knox.models import AuthToken
from pytest_django import Settings

from cofounder.models import User


def test_a_new_password_ends_them(founder: User, other_founder: User) -> None:
    _, token = AuthToken.objects.create(founder)
    AuthToken.objects.create(other_founder)
    founder.set_password("a brand new door")
    founder.save()
    assert Client().get("/api/projects", headers={"authorization": f"Token {token}"}).status_code == 401
    assert AuthToken.objects.get().user == other_founder


def test_a_stronger_hash_of_the_same_password_does_not(founder: User, settings: Settings) -> None:
    AuthToken.objects.create(founder)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert founder.check_password("correct horse battery")
    founder.refresh_from_db()
    assert founder.password.startswith("scrypt$")
    assert AuthToken.objects.count() == 1


def test_they_are_revoked_all_at_once(browser: Client, founder: User, other_founder: User) -> None:
    for person in (founder, founder, other_founder):
        AuthToken.objects.create(person)
    assert "Revoke all tokens" in browser.get("/settings").text
    browser.post("/settings/tokens/revoke")
    assert AuthToken.objects.get().user == other_founder
