"""Keys and passwords on a question's card, and the page that lists them."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import project_secrets
from jobs.models import Project

HTMX = {"HX-Request": "true"}
OPTIONS = [
    {"value": "provide_credentials", "label": "Give me access", "description": "You enter the key."},
    {"value": "skip_feature", "label": "Leave it out", "description": "It can be added later."},
]


@pytest.fixture
def key_question(question: AgentEscalation) -> Any:
    """A question that can be answered only with credentials."""
    question.options = OPTIONS
    question.plain_english_problem = "I tried to reach the shop, and I need the key STRIPE_API_KEY."
    question.save(update_fields=["options", "plain_english_problem"])
    return question


def answer(
    browser: Client, question: AgentEscalation, decision: str, *pairs: tuple[str, str], **words: str
) -> Any:
    form = {
        "decision": decision,
        "secret_name": [name for name, _ in pairs],
        "secret_value": [value for _, value in pairs],
        **words,
    }
    return browser.post(f"/questions/{question.pk}/answer", form, headers=HTMX)


def test_the_card_has_a_field_for_each_key_that_is_named(browser: Client, key_question: Any) -> None:
    card = browser.get(f"/builds/{key_question.job_id}").text
    assert 'name="secret_name" value="STRIPE_API_KEY"' in card
    assert card.count('type="password"') == 2


def test_where_no_key_is_named_those_that_are_known_are_offered(browser: Client, key_question: Any) -> None:
    key_question.plain_english_problem = "The sign-in was refused."
    key_question.save(update_fields=["plain_english_problem"])
    project_secrets.keep(key_question.project_id, {"MAIL_PASSWORD": "hunter2-hunter2"})
    assert 'value="MAIL_PASSWORD"' in browser.get("/questions").text


def test_other_questions_ask_for_no_keys(browser: Client, question: AgentEscalation) -> None:
    assert "secret_value" not in browser.get("/questions").text


def test_a_key_is_kept_and_the_receipt_names_it_alone(browser: Client, key_question: Any) -> None:
    pairs = ("STRIPE_API_KEY", "sk-123456"), ("mail password", "hunter2-hunter2")
    receipt = answer(browser, key_question, "provide_credentials", *pairs)
    kept = project_secrets.values_of(key_question.project_id)
    assert kept == {"STRIPE_API_KEY": "sk-123456", "MAIL_PASSWORD": "hunter2-hunter2"}
    assert "Given: <code>MAIL_PASSWORD</code>, <code>STRIPE_API_KEY</code>" in receipt.text
    assert "sk-123456" not in receipt.text + browser.get(f"/builds/{key_question.job_id}").text


def test_a_key_that_was_typed_and_not_given_is_not_kept(browser: Client, key_question: Any) -> None:
    answer(browser, key_question, "skip_feature", ("STRIPE_API_KEY", "sk-123456"))
    key_question.refresh_from_db()
    assert key_question.status == "resolved"
    assert project_secrets.names_of(key_question.project_id) == []


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        (("STRIPE_API_KEY", ""), "Enter the key or password"),
        (("STRIPE_API_KEY", "   "), "Enter the key or password"),
        (("", "sk-123456"), "Give the key or password a name"),
        (("STRIPE_API_KEY", "1234"), "too short to be kept secret"),
        (("path", "sk-123456"), "used by the sandbox"),
        (("1st key", "sk-123456"), "capital letters"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(
    browser: Client, key_question: Any, pair: tuple[str, str], sentence: str
) -> None:
    refused = answer(browser, key_question, "provide_credentials", pair)
    assert (refused.status_code, sentence in refused.text) == (400, True)
    assert "sk-123456" not in refused.text
    key_question.refresh_from_db()
    assert key_question.status == "pending"


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "production"])
def test_no_error_page_repeats_a_key(
    key_question: Any, founder: User, settings: Settings, debug: bool
) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(founder)
    settings.DEBUG, settings.FIELD_ENCRYPTION_KEYS = debug, ["no key"]
    failed = answer(browser, key_question, "provide_credentials", ("STRIPE_API_KEY", "sk-123456"))
    assert (failed.status_code, "sk-123456" in failed.text) == (500, False)


def test_keys_are_listed_replaced_and_removed(browser: Client, project: Project) -> None:
    page = f"/projects/{project.pk}/keys"
    assert "There is none yet" in browser.get(page).text
    for value in ("sk-first", "sk-second"):
        form = {"secret_name": "Stripe key", "secret_value": value}
        assert browser.post(page, form).headers["Location"] == page
    listed = browser.get(page).text
    assert project_secrets.values_of(project.pk) == {"STRIPE_KEY": "sk-second"}
    assert ("<code>STRIPE_KEY</code>" in listed, "sk-second" in listed) == (True, False)
    browser.post(f"{page}/remove", {"name": "STRIPE_KEY"})
    assert project_secrets.names_of(project.pk) == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "Enter the key or password."),
        ({"secret_name": "KEY", "secret_value": "123"}, "too short to be kept secret"),
    ],
)
def test_a_bad_key_keeps_its_name_in_the_form(
    browser: Client, project: Project, form: dict[str, str], sentence: str
) -> None:
    refused = browser.post(f"/projects/{project.pk}/keys", form)
    assert (refused.status_code, sentence in refused.text) == (400, True)
    assert f'value="{form.get("secret_name", "")}"' in refused.text


def test_another_founder_sees_and_touches_no_key(other_browser: Client, project: Project) -> None:
    project_secrets.keep(project.pk, {"KEY": "sk-123456"})
    page = f"/projects/{project.pk}/keys"
    assert other_browser.get(page).status_code == 404
    assert other_browser.post(page, {"secret_name": "A", "secret_value": "sk-123456"}).status_code == 404
    assert other_browser.post(f"{page}/remove", {"name": "KEY"}).status_code == 404
    assert project_secrets.names_of(project.pk) == ["KEY"]


def test_opening_the_address_removes_nothing(browser: Client, project: Project) -> None:
    assert browser.get(f"/projects/{project.pk}/keys/remove").status_code == 405
