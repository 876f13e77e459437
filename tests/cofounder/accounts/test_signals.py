"""Whose plan begins, and when."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from agents.models import Subscription
from cofounder.models import User
from jobs import clock

PASSWORD = "a brand new door"


@pytest.fixture
def hosted(settings: Settings, tiers: None) -> None:
    settings.CONFIRMS_ADDRESSES = True


def sign_up(email: str) -> Client:
    client = Client()
    words = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(reverse("account_signup"), words).status_code == 302
    return client


def confirm(client: Client) -> None:
    link = next(word for word in mail.outbox[-1].body.split() if "/confirm-email/" in word)
    client.post(link)


def plan_of(email: str) -> Subscription | None:
    return Subscription.objects.filter(user__email=email).first()


def test_no_money_comes_with_an_address_that_nobody_has_confirmed(hosted: None) -> None:
    client = sign_up("new@example.com")
    assert plan_of("new@example.com") is None
    answer = client.post("/api/projects", {"name": "N", "goal": "G", "idea_brief": {"problem": "x"}}, **JSON)
    started = client.post("/api/generation/start", {"project_id": answer.json()["id"]}, **JSON)
    assert (started.status_code, "plan" in started.json()["error"]["message"]) == (402, True)
    assert "as soon as your e-mail address is confirmed" in client.get("/settings").text


def test_the_plan_begins_with_the_confirmed_address(hosted: None) -> None:
    client = sign_up("new@example.com")
    confirm(client)
    plan = plan_of("new@example.com")
    assert plan is not None
    assert (plan.tier_id, plan.begun_on) == ("bootstrapper", clock.today())


def test_confirming_a_second_address_brings_nothing_more(hosted: None, founder: User) -> None:
    from cofounder.accounts.signals import begin_subscription

    EmailAddress.objects.create(user=founder, email=founder.email, verified=True)
    Subscription.objects.filter(user=founder).update(suspended=True)
    begin_subscription(founder)
    assert Subscription.objects.get(user=founder).suspended


def test_a_day_has_so_many_places_and_the_next_day_goes_on(hosted: None, settings: Settings) -> None:
    settings.MAX_DAILY_SIGNUPS = 1
    for name in ("first", "second"):
        confirm(sign_up(f"{name}@example.com"))
    assert plan_of("first@example.com")
    assert plan_of("second@example.com") is None
    clock.move(clock.next_midnight(clock.now()))
    answer = Client().post(reverse("account_login"), {"login": "second@example.com", "password": PASSWORD})
    assert answer.status_code == 302
    assert plan_of("second@example.com")


def test_plans_that_admins_give_take_no_place(hosted: None, founder: User, settings: Settings) -> None:
    settings.MAX_DAILY_SIGNUPS = 1
    confirm(sign_up("new@example.com"))
    assert plan_of("new@example.com")


def test_without_places_only_admins_give_plans(hosted: None, settings: Settings) -> None:
    settings.MAX_DAILY_SIGNUPS = 0
    client = sign_up("new@example.com")
    confirm(client)
    assert plan_of("new@example.com") is None
    assert "places for new founders are taken" in client.get("/settings").text


def test_the_one_founder_of_a_local_install_begins_at_once(tiers: None) -> None:
    sign_up("new@example.com")
    assert plan_of("new@example.com")


JSON: dict[str, Any] = {"content_type": "application/json"}
