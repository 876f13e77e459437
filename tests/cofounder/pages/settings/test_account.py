"""The settings page: plan, quiet hours, tokens."""

import re
from datetime import time

import pytest
from django.test import Client
from knox.models import AuthToken

from agents.models import AgentSession, DailyBudget, Subscription
from cofounder.models import User
from jobs import clock
from jobs.models import Job

HTMX = {"HX-Request": "true"}
NIGHT = {"auto_wake": "on", "quiet_from": "22:00", "quiet_until": "07:30", "time_zone": "Europe/Berlin"}


def test_the_page_shows_plan_and_money(browser: Client, founder: User) -> None:
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


def test_nights_are_kept_and_shown(browser: Client, founder: User) -> None:
    browser.post("/settings/nights", NIGHT)
    kept = Subscription.objects.get(user=founder)
    assert (kept.auto_wake, kept.quiet_from, kept.quiet_until) == (True, time(22), time(7, 30))
    page = browser.get("/settings").text
    assert 'value="22:00"' in page
    assert 'value="Europe/Berlin"' in page


def test_a_sleeper_follows_new_nights_at_once(browser: Client, working_job: Job) -> None:
    midnight = clock.next_midnight(clock.now())
    AgentSession.objects.update(state="sleeping", wake_at=midnight)
    DailyBudget.objects.create(
        user=working_job.project.owner,
        day=clock.today(),
        allowance_microdollars=2_000_000,
        spent_microdollars=2_000_000,
    )
    browser.post("/settings/nights", {**NIGHT, "quiet_from": "23:00", "time_zone": "UTC"})
    assert AgentSession.objects.get().wake_at == midnight.replace(hour=7, minute=30)
    browser.post("/settings/nights", {**NIGHT, "auto_wake": "", "quiet_from": "", "quiet_until": ""})
    assert AgentSession.objects.get().wake_at is not None  # an empty value is a ticked box; none is not
    browser.post("/settings/nights", {"quiet_from": "", "quiet_until": "", "time_zone": "UTC"})
    assert AgentSession.objects.get().wake_at is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"quiet_from": ""}, "a beginning and an end"),
        ({"quiet_until": "22:00"}, "end when they begin"),
        ({"time_zone": "Mars/Olympus"}, "no time zone called “Mars/Olympus”"),
        ({"time_zone": ""}, "no time zone"),
        ({"time_zone": "../etc/passwd"}, "no time zone"),
        ({"quiet_from": "25:00"}, "time of day as 22:00"),
        ({"quiet_from": "ten"}, "time of day as 22:00"),
    ],
)
def test_impossible_nights_are_refused_and_change_nothing(
    browser: Client, wrong: dict[str, str], sentence: str
) -> None:
    answer = browser.post("/settings/nights", {**NIGHT, **wrong}, headers=HTMX)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert Subscription.objects.get().quiet_from is None


def test_without_a_plan_there_are_no_nights(browser: Client) -> None:
    Subscription.objects.all().delete()
    assert browser.post("/settings/nights", NIGHT, headers=HTMX).status_code == 402


def test_a_token_is_shown_once_and_works(browser: Client, client: Client) -> None:
    page = browser.post("/settings/tokens")
    assert page.status_code == 201
    assert "no-store" in page.headers["Cache-Control"]
    found = re.search(r'id="new-token"[^>]*>(\w+)<', page.text)
    assert found
    token = found[1]
    assert token not in browser.get("/settings").text
    assert client.get("/api/jobs", headers={"Authorization": f"Token {token}"}).status_code == 200


def test_a_revoked_token_no_longer_works(browser: Client, client: Client, founder: User) -> None:
    row, token = AuthToken.objects.create(founder)
    browser.post(f"/settings/tokens/{row.pk}/revoke")
    assert client.get("/api/jobs", headers={"Authorization": f"Token {token}"}).status_code == 401


def test_nobody_revokes_anothers_token(other_browser: Client, founder: User) -> None:
    row, _ = AuthToken.objects.create(founder)
    assert other_browser.post(f"/settings/tokens/{row.pk}/revoke").status_code == 404
    assert AuthToken.objects.exists()


@pytest.mark.parametrize("path", ["/settings/nights", "/settings/tokens", "/settings/tokens/x/revoke"])
def test_opening_the_address_changes_nothing(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 405
