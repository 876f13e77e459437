"""Changing the founder's money on a page."""

import pytest
from django.test import Client
from pytest_django import Settings

from agents.models import BudgetChange, DailyBudget, Subscription
from cofounder.models import User
from cofounder.pages.money import change
from jobs.errors import CofounderError

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("written", "microdollars"),
    [
        ("4", 4_000_000),
        ("$4.50", 4_500_000),
        (" 4,5 ", 4_500_000),
        ("0", 0),
        ("0.07", 70_000),
        ("1234567", 1_234_567_000_000),
    ],
)
def test_dollars_are_read_as_people_write_them(written: str, microdollars: int) -> None:
    assert change.read_dollars(written) == microdollars


@pytest.mark.parametrize(
    "written", ["", "x", "-1", "1,000", "1e9", "4.505", "٣", "12345678", "NaN", "4\x00", "$"]
)
def test_anything_else_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(CofounderError, match="Write an amount in dollars"):
        change.read_dollars(written)


def test_today_gets_the_limit_the_founder_sets(browser: Client, founder: User) -> None:
    answer = browser.post("/money/today", {"dollars": "5"}, headers=HTMX)
    assert "Today may cost $5.00." in answer.text
    assert DailyBudget.objects.get(user=founder).allowance_microdollars == 5_000_000


def test_more_than_the_period_has_is_refused_and_changes_nothing(browser: Client) -> None:
    answer = browser.post("/money/today", {"dollars": "500"}, headers=HTMX)
    assert answer.status_code == 400
    assert "left in this period" in answer.text
    assert not BudgetChange.objects.exists()


def test_without_scripts_the_sentence_waits_on_the_page_one_came_from(browser: Client) -> None:
    answer = browser.post("/money/today", {"dollars": "five", "back": "/settings"}, follow=True)
    assert answer.redirect_chain == [("/settings", 302)]
    assert "Write an amount in dollars" in answer.text


@pytest.mark.parametrize("back", ["https://example.com/", "//example.com", "settings", ""])
def test_nobody_is_redirected_elsewhere(browser: Client, back: str) -> None:
    assert browser.post("/money/today", {"dollars": "1", "back": back}).headers["Location"] == "/settings"


def test_founders_top_up_where_that_is_allowed(browser: Client, founder: User, settings: Settings) -> None:
    settings.SELF_SERVICE_TOP_UP = True
    assert 'action="/money/top-up"' in browser.get("/settings").text
    browser.post("/money/top-up", {"dollars": "30"}, headers=HTMX)
    assert BudgetChange.objects.get(user=founder).amount_microdollars == 30_000_000


def test_founders_do_not_top_up_where_it_is_not(browser: Client) -> None:
    assert 'action="/money/top-up"' not in browser.get("/settings").text
    answer = browser.post("/money/top-up", {"dollars": "30"}, headers=HTMX)
    assert answer.status_code == 403
    assert "Only an administrator" in answer.text
    assert not BudgetChange.objects.exists()


def test_a_founder_without_a_plan_gets_a_sentence(browser: Client) -> None:
    Subscription.objects.all().delete()
    assert "no subscription yet" in browser.post("/money/today", {"dollars": "1"}, headers=HTMX).text


@pytest.mark.parametrize("path", ["/money/today", "/money/top-up"])
def test_opening_the_address_moves_nothing(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 405


def test_a_visitor_is_asked_to_sign_in(db: None, client: Client) -> None:
    assert client.post("/money/today", {"dollars": "1"}).headers["Location"].startswith("/accounts/login/")
