"""How a founder is notified: a section of the settings."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from agents.models import NotificationSettings
from tests.receiver import Receiver, receiving

HTMX = {"HX-Request": "true"}
WEBHOOK = "/settings/notifications/webhook"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def secret_in(page: str) -> str:
    found = re.search(r"whsec_[\w+/=]+", page)
    return found.group() if found else ""


def chosen() -> NotificationSettings:
    return NotificationSettings.objects.get()


def test_the_settings_show_it_with_every_mail_on(browser: Client) -> None:
    page = browser.get("/settings").text
    assert page.count('name="mail"') == page.count(" checked>") - page.count('name="auto_wake" checked>') == 4


def test_mails_are_chosen(browser: Client) -> None:
    shown = browser.post("/settings/notifications/mails", {"mail": ["ready", "nonsense"]}).text
    assert [chosen().wants_mail(kind) for kind in ("question", "ready", "failed", "money")] == [
        *(False, True, False, False)
    ]
    assert "Saved." in shown
    assert 'value="ready" checked' in shown


def test_a_webhook_gets_a_secret_that_is_shown_once(browser: Client, receiver: Receiver) -> None:
    secret = secret_in(browser.post(WEBHOOK, {"url": receiver.url}).text)
    assert secret == chosen().webhook_secret
    assert secret_in(browser.get("/settings").text) == ""
    assert secret_in(browser.get("/settings/notifications").text) == ""


def test_another_address_keeps_the_secret(browser: Client, receiver: Receiver) -> None:
    secret = secret_in(browser.post(WEBHOOK, {"url": receiver.url}).text)
    again = browser.post(WEBHOOK, {"url": f"{receiver.url}/2"}).text
    assert secret_in(again) == ""
    assert (chosen().webhook_url, chosen().webhook_secret) == (f"{receiver.url}/2", secret)


def test_a_new_secret_ends_the_old_one(browser: Client, receiver: Receiver) -> None:
    old = secret_in(browser.post(WEBHOOK, {"url": receiver.url}).text)
    new = secret_in(browser.post(f"{WEBHOOK}/secret").text)
    assert new == chosen().webhook_secret != old


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "must begin with https://"),
        ("http://example.com/", "must begin with https://"),
        ("https://127.0.0.1/", "private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://[::1]/", "private network"),
        ("https://no-such-name.invalid/", "cannot be found"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_kept_in_its_field(
    browser: Client, settings: Settings, url: str, sentence: str
) -> None:
    settings.PRIVATE_WEBHOOKS = False
    shown = browser.post(WEBHOOK, {"url": url}, headers=HTMX)
    assert shown.status_code == 400
    assert sentence in shown.text
    assert f'value="{url}"' in shown.text
    assert not NotificationSettings.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_test_message_is_sent_and_its_result_shown(browser: Client, receiver: Receiver) -> None:
    browser.post(WEBHOOK, {"url": receiver.url})
    assert "sent and accepted" in browser.post(f"{WEBHOOK}/test").text
    assert len(receiver.received) == 1
    assert "It was accepted." in browser.get("/settings").text


@pytest.mark.django_db(transaction=True)
def test_a_test_that_fails_says_why(browser: Client, receiver: Receiver) -> None:
    browser.post(WEBHOOK, {"url": receiver.url})
    receiver.answers = [(503, {})]
    failed = browser.post(f"{WEBHOOK}/test", headers=HTMX)
    assert failed.status_code == 400
    assert "The test did not arrive. It answered 503 Service Unavailable." in failed.text
    assert "It answered 503 Service Unavailable." in browser.get("/settings").text


def test_a_webhook_is_removed_with_its_secret(browser: Client, receiver: Receiver) -> None:
    browser.post(WEBHOOK, {"url": receiver.url})
    browser.post(f"{WEBHOOK}/remove")
    assert (chosen().webhook_url, chosen().webhook_secret) == ("", "")


@pytest.mark.parametrize("verb", ["test", "secret", "remove"])
def test_there_is_nothing_to_do_without_a_webhook(browser: Client, verb: str) -> None:
    assert browser.post(f"{WEBHOOK}/{verb}").status_code == 409


def test_what_cannot_be_done_is_not_found(browser: Client) -> None:
    assert browser.post(f"{WEBHOOK}/explode").status_code == 404


def test_htmx_gets_the_section_alone(browser: Client) -> None:
    shown = browser.post("/settings/notifications/mails", {}, headers=HTMX).text
    assert "<html" not in shown
    assert 'id="notifications"' in shown


def test_each_founder_has_settings_of_their_own(
    browser: Client, other_browser: Client, receiver: Receiver
) -> None:
    browser.post(WEBHOOK, {"url": receiver.url})
    assert receiver.url not in other_browser.get("/settings/notifications").text
    assert other_browser.post(f"{WEBHOOK}/remove").status_code == 409


def test_a_visitor_is_asked_to_sign_in(db: None, client: Client) -> None:
    for path in ("mails", "webhook", "webhook/test"):
        assert client.post(f"/settings/notifications/{path}").status_code == 302


def test_reading_changes_nothing(browser: Client) -> None:
    for path in ("mails", "webhook", "webhook/remove"):
        assert browser.get(f"/settings/notifications/{path}").status_code == 405
