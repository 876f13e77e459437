"""The page behind the link in a question's mail."""

from collections.abc import Callable

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from cofounder.models import User
from escalations import links
from escalations.answers import resolve
from escalations.models import AgentEscalation, AnswerLink
from jobs import clock

ASKED = "Should sizes be letters or ages?"


@pytest.fixture
def stranger() -> Client:
    """A browser in which nobody is signed in."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def page(question: AgentEscalation) -> str:
    return f"/answer/{links.make(question)[0]}"


def renewals() -> int:
    return ProcrastinateJob.objects.filter(task_name="agents.mail_link").count()


def test_the_question_is_shown_without_a_login_and_looking_uses_nothing_up(
    stranger: Client, page: str
) -> None:
    for _ in range(3):
        shown = stranger.get(page)
        assert shown.status_code == 200
        for words in (ASKED, "Ages, as on the label.", "5-6, 7-8", "Letters"):
            assert words in shown.text
    stranger.head(page)
    assert stranger.post(page, {"decision": "ages"}).status_code == 302


def test_an_answer_leads_to_its_receipt(
    stranger: Client, page: str, question: AgentEscalation, founder: User
) -> None:
    words = {"decision": "ages", "guidance": "and half sizes"}
    receipt = stranger.post(page, words, follow=True).text
    question.refresh_from_db()
    assert (question.founder_guidance, question.resolved_by) == ("and half sizes", founder)
    assert question.resolved_via == "link"
    for shown in ("You answered on", "through this link", "Ages", "and half sizes", ASKED):
        assert shown in receipt


def test_a_second_answer_is_told_of_the_first(stranger: Client, page: str, question: AgentEscalation) -> None:
    stranger.post(page, {"decision": "ages"})
    second = stranger.post(page, {"decision": "letters"})
    question.refresh_from_db()
    assert (second.status_code, question.founder_decision) == (409, "ages")
    assert "This question has been answered already." in second.text
    assert "You answered on" in second.text


def test_an_answer_by_other_means_is_shown(
    stranger: Client, page: str, question: AgentEscalation, admin: User
) -> None:
    resolve(question.pk, decision="letters", guidance="As agreed.", by=admin, via=AgentEscalation.Via.ADMIN)
    shown = stranger.get(page).text
    assert "An admin answered on" in shown
    assert "Letters" in shown
    assert "As agreed." in shown
    assert "<form" not in shown


def test_a_question_whose_build_is_over_needs_no_answer(
    stranger: Client, page: str, question: AgentEscalation
) -> None:
    question.status = "skipped"
    question.save(update_fields=["status"])
    assert "needs no answer any more" in stranger.get(page).text
    assert stranger.post(page, {"decision": "ages"}).status_code == 409


@pytest.fixture
def expired(page: str) -> str:
    AnswerLink.objects.update(expires_at=clock.now())
    return page


def test_an_old_link_shows_nothing_and_offers_a_new_one(
    stranger: Client, expired: str, question: AgentEscalation
) -> None:
    for shown in (stranger.get(expired), stranger.post(expired, {"decision": "ages"})):
        assert shown.status_code == 410
        assert "Send a new link" in shown.text
        assert ASKED not in shown.text
        assert "Uniform Swap" not in shown.text
        assert "founder@example.com" not in shown.text
    question.refresh_from_db()
    assert (question.status, renewals()) == ("pending", 0)


def test_a_new_link_is_sent_once(stranger: Client, expired: str) -> None:
    assert "on its way" in stranger.post(expired, {"decision": "renew"}).text
    assert "was sent a moment ago" in stranger.post(expired, {"decision": "renew"}).text
    assert renewals() == 1


def test_an_old_link_to_an_answered_question_offers_nothing(
    stranger: Client, expired: str, question: AgentEscalation, founder: User
) -> None:
    resolve(question.pk, decision="ages", by=founder)
    shown = stranger.post(expired, {"decision": "renew"})
    assert shown.status_code == 410
    assert "needs no answer any more" in shown.text
    assert ASKED not in shown.text
    assert renewals() == 0


@pytest.mark.parametrize(
    "damage",
    [lambda page: page[:-1], lambda page: page + "x", lambda page: "/answer/x.y"],
    ids=["cut", "longer", "forged"],
)
def test_a_damaged_link_is_said_to_be_one(
    stranger: Client, page: str, question: AgentEscalation, damage: Callable[[str], str]
) -> None:
    for shown in (stranger.get(damage(page)), stranger.post(damage(page), {"decision": "ages"})):
        assert shown.status_code == 404
        assert "This link is damaged" in shown.text
        assert ASKED not in shown.text
    question.refresh_from_db()
    assert question.status == "pending"


def test_a_link_for_somebody_else_is_not_shown_and_not_used(
    other_browser: Client, page: str, question: AgentEscalation
) -> None:
    for shown in (other_browser.get(page), other_browser.post(page, {"decision": "ages"})):
        assert shown.status_code == 404
        assert "for another account" in shown.text
        assert ASKED not in shown.text
    question.refresh_from_db()
    assert question.status == "pending"


def test_the_founder_who_is_signed_in_may_use_it_too(browser: Client, page: str) -> None:
    assert browser.post(page, {"decision": "ages"}).status_code == 302


@pytest.mark.parametrize(
    "words", [{"decision": "nonsense"}, {"decision": "provide_guidance", "guidance": " "}, {}], ids=str
)
def test_an_answer_that_cannot_be_used_is_asked_for_again(
    stranger: Client, page: str, question: AgentEscalation, words: dict[str, str]
) -> None:
    assert stranger.post(page, words).status_code == 400
    question.refresh_from_db()
    assert question.status == "pending"


def test_what_was_typed_is_kept_when_an_answer_is_refused(stranger: Client, page: str) -> None:
    shown = stranger.post(page, {"decision": "nonsense", "guidance": "Both <b>!"})
    assert "Both &lt;b&gt;!</textarea>" in shown.text


def test_keys_and_passwords_are_not_asked_for(stranger: Client, page: str, question: AgentEscalation) -> None:
    question.options = [
        {"value": "provide_credentials", "label": "Give me access", "description": "You enter the key."},
        {"value": "skip_feature", "label": "Leave it out", "description": ""},
    ]
    question.save(update_fields=["options"])
    shown = stranger.get(page).text
    assert f'href="/accounts/login/?next=/builds/{question.job_id}"' in shown
    assert 'value="provide_credentials"' not in shown
    assert "password" not in [field.split('"')[1] for field in shown.split("type=")[1:]]
    refused = stranger.post(page, {"decision": "provide_credentials", "guidance": "the key is 12345678"})
    assert "Sign in to enter them" in refused.text
    assert stranger.post(page, {"decision": "skip_feature"}).status_code == 302


def test_the_address_is_told_to_nobody_and_the_page_kept_by_nobody(stranger: Client, page: str) -> None:
    for address in (page, page + "x"):
        shown = stranger.get(address)
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in shown.headers["Cache-Control"]
        assert shown.headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(stranger: Client, page: str, method: str) -> None:
    assert getattr(stranger, method)(page).status_code == 405


def test_the_words_of_others_are_no_markup(stranger: Client, page: str, question: AgentEscalation) -> None:
    question.plain_english_problem = "<script>alert(1)</script>"
    question.save(update_fields=["plain_english_problem"])
    assert "<script>alert" not in stranger.get(page).text
