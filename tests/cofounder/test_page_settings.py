"""The account page."""

from typing import Any

from django.test import Client

from agents.models import Subscription


def test_the_page_shows_plan_and_money(browser: Client, founder: Any) -> None:
    page = browser.get("/settings").text
    assert founder.email in page
    assert "Bootstrapper, $60.00 a month" in page
    assert "$0.00 of $2.00" in page


def test_a_founder_without_a_plan_is_told(browser: Client) -> None:
    Subscription.objects.all().delete()
    assert "No plan yet" in browser.get("/settings").text


def test_a_visitor_is_asked_to_sign_in(db: None, client: Client) -> None:
    assert client.get("/settings").status_code == 302


def test_the_page_only_reads(browser: Client) -> None:
    assert browser.post("/settings").status_code == 405
