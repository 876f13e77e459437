"""Mails with links, and the counter of wrong passwords, whatever host a request names."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from cofounder.models import User

OTHER = "other.example"


@pytest.fixture(autouse=True)
def _two_hosts(settings: Settings, db: None) -> None:
    settings.ALLOWED_HOSTS = ["localhost", OTHER]
    settings.BASE_URL = "https://cofounder.example.com"


@pytest.mark.parametrize("email", ["founder@example.com", "nobody@example.com"])
def test_a_reset_mail_leads_to_our_address_alone(founder: User, client: Client, email: str) -> None:
    client.post("/accounts/password/reset/", {"email": email}, headers={"host": OTHER})
    assert_ours(mail.outbox[-1])


def test_so_does_the_mail_after_a_sign_up(tiers: None, client: Client) -> None:
    words = {"email": "new@example.com", "password1": "a brand new door", "password2": "a brand new door"}
    client.post("/accounts/signup/", words, headers={"host": OTHER})
    assert_ours(mail.outbox[-1])


def assert_ours(message: mail.EmailMessage) -> None:
    text = f"{message.subject}\n{message.body}"
    assert OTHER not in text
    links = re.findall(r"https?://\S+", text)
    assert links
    assert all(link.startswith("https://cofounder.example.com/") for link in links)


def test_another_host_is_no_new_set_of_guesses(founder: User, client: Client) -> None:
    for host in ["localhost"] * 3 + [OTHER] * 2:
        client.post("/accounts/login/", {"login": founder.email, "password": "no"}, headers={"host": host})
    right = {"login": founder.email, "password": "correct horse battery"}
    assert "Too many failed" in client.post("/accounts/login/", right, headers={"host": OTHER}).text
