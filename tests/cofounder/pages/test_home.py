"""The visitors' page, allauth's account pages in our layout, and error pages."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.test import Client
from django.urls import reverse

from cofounder.models import User

OURS = "cofounder/base.css"


def test_a_visitor_is_told_what_it_is_and_how_to_begin(db: None, client: Client) -> None:
    answer = client.get("/")
    assert reverse("account_signup") in answer.text
    assert reverse("account_login") in answer.text


def test_a_founder_is_redirected_to_the_projects(browser: Client) -> None:
    assert browser.get("/").headers["Location"] == "/projects"


@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_reset_password_done"]
)
def test_a_visitors_account_page_has_our_look(db: None, client: Client, name: str) -> None:
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert OURS in answer.text


@pytest.mark.parametrize(
    "name", ["account_logout", "account_email", "account_change_password", "account_email_verification_sent"]
)
def test_a_founders_account_page_has_our_look(browser: Client, name: str) -> None:
    answer = browser.get(reverse(name))
    assert answer.status_code == 200
    assert OURS in answer.text


def test_a_forgotten_password_is_replaced_by_the_link_in_the_mail(founder: User, client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": founder.email})
    link = next(word for word in mail.outbox[0].body.split() if "/password/reset/key/" in word)
    form = client.get(link, follow=True)
    assert OURS in form.text
    answer = client.post(
        form.request["PATH_INFO"],
        {"password1": "a brand new door", "password2": "a brand new door"},
        follow=True,
    )
    assert OURS in answer.text
    founder.refresh_from_db()
    assert founder.check_password("a brand new door")


def test_a_used_reset_link_says_so_in_our_look(founder: User, client: Client) -> None:
    token = default_token_generator.make_token(founder)
    answer = client.get(reverse("account_reset_password_from_key", args=["0", token]))
    assert OURS in answer.text


def test_a_new_address_is_confirmed_by_the_link_in_the_mail(tiers: None, client: Client) -> None:
    words = {"email": "new@example.com", "password1": "a brand new door", "password2": "a brand new door"}
    answer = client.post(reverse("account_signup"), words)
    assert answer.headers["Location"] == "/projects"
    link = next(word for word in mail.outbox[0].body.split() if "/confirm-email/" in word)
    assert OURS in client.get(link, follow=True).text


def test_a_sign_up_brings_the_smallest_plan(tiers: None, client: Client) -> None:
    from agents.models import Subscription

    words = {"email": "another@example.com", "password1": "a brand new door", "password2": "a brand new door"}
    client.post(reverse("account_signup"), words)
    assert Subscription.objects.get(user__email="another@example.com").tier_id == "bootstrapper"


def test_an_address_that_leads_nowhere_has_our_look(db: None, client: Client) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_a_form_without_its_stamp_is_refused_in_our_look(founder: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(founder)
    answer = strict.post("/projects/new", {"name": "x"})
    assert answer.status_code == 403
    assert "You cannot open this" in answer.text


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "429.html", "500.html"])
def test_there_is_a_page_for_each_refusal(name: str) -> None:
    from django.template.loader import render_to_string

    assert OURS in render_to_string(name)
