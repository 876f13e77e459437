"""Open questions and their answers."""

from uuid import uuid4

import pytest
from django.test import Client

from escalations.models import AgentEscalation

HTMX = {"HX-Request": "true"}


def test_the_inbox_holds_open_questions_and_the_menu_counts_them(
    browser: Client, question: AgentEscalation
) -> None:
    page = browser.get("/questions").text
    assert "Should sizes be letters or ages?" in page
    assert "(1) Questions" in page


def test_the_build_page_begins_with_the_card(browser: Client, question: AgentEscalation) -> None:
    page = browser.get(f"/builds/{question.job_id}").text
    assert "Ages, as on the label." in page
    assert "A question for you" in page
    assert "<title>(1) Uniform Swap" in page


def test_another_founder_sees_none_of_it(other_browser: Client, question: AgentEscalation) -> None:
    assert "Nothing to decide" in other_browser.get("/questions").text


def test_an_answer_turns_the_card_into_a_receipt(browser: Client, question: AgentEscalation) -> None:
    words = {"decision": "ages", "guidance": "and half sizes"}
    receipt = browser.post(f"/questions/{question.pk}/answer", words, headers=HTMX).text
    question.refresh_from_db()
    assert (question.status, question.founder_guidance) == ("resolved", "and half sizes")
    assert "You answered" in receipt
    assert "and half sizes" in receipt
    assert "You answered" in browser.get(f"/builds/{question.job_id}").text


def test_an_answer_works_without_scripts(browser: Client, question: AgentEscalation) -> None:
    words = {"decision": "ages", "back": "/questions"}
    answer = browser.post(f"/questions/{question.pk}/answer", words)
    assert answer.headers["Location"] == "/questions"


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org", ""])
def test_an_answer_redirects_nowhere_else(browser: Client, question: AgentEscalation, back: str) -> None:
    answer = browser.post(f"/questions/{question.pk}/answer", {"decision": "ages", "back": back})
    assert answer.headers["Location"] == f"/builds/{question.job_id}"


def test_a_second_answer_is_refused_and_changes_nothing(browser: Client, question: AgentEscalation) -> None:
    browser.post(f"/questions/{question.pk}/answer", {"decision": "ages"}, headers=HTMX)
    second = browser.post(f"/questions/{question.pk}/answer", {"decision": "letters"}, headers=HTMX)
    question.refresh_from_db()
    assert (second.status_code, question.founder_decision) == (409, "ages")


@pytest.mark.parametrize("words", [{"decision": "nonsense"}, {"decision": "provide_guidance"}, {}])
def test_an_answer_that_cannot_be_used_is_refused(
    browser: Client, question: AgentEscalation, words: dict[str, str]
) -> None:
    assert browser.post(f"/questions/{question.pk}/answer", words, headers=HTMX).status_code == 400
    question.refresh_from_db()
    assert question.status == "pending"


def test_nobody_answers_anothers_question(other_browser: Client, question: AgentEscalation) -> None:
    assert other_browser.post(f"/questions/{question.pk}/answer", {"decision": "ages"}).status_code == 404


def test_opening_an_answers_address_answers_nothing(browser: Client, question: AgentEscalation) -> None:
    assert browser.get(f"/questions/{question.pk}/answer").status_code == 405


def test_a_missing_question_is_not_found(browser: Client) -> None:
    assert browser.post(f"/questions/{uuid4()}/answer", {"decision": "x"}).status_code == 404
