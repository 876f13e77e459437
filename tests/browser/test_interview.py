"""The interview in two browsers at once, on a phone, with what is typed kept: the page follows by itself."""

from typing import Any

import pytest

from agents.interview import desk
from agents.interview.topics import Topic
from agents.models import InterviewProgress
from cofounder.models import User
from tests.agents.interview.test_desk import TEXT, take_step
from tests.browser.conftest import apart
from tests.browser.test_questions import second_browser

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def progress(founder: User, transactional_db: None) -> InterviewProgress:
    return take_step(desk.begin(founder, TEXT), Topic.JOB)


def test_the_later_browser_sees_the_answer_and_the_next_question_of_the_first(
    progress: InterviewProgress, page: Any, chromium: Any, server: str, cookie: str
) -> None:
    phone = second_browser(page, chromium, server, cookie)
    for browser in (page, phone):
        browser.goto(f"/interviews/{progress.pk}")
        browser.evaluate("window.sameDocument = true")
    phone.get_by_role("button", name="Yes").click()
    page.get_by_text("Thinking about your answer").wait_for()
    apart(take_step, progress, Topic.WHO)
    for browser in (page, phone):
        browser.get_by_role("heading", name="About who?").wait_for()
        assert browser.evaluate("window.sameDocument") is True
    page.get_by_text("What you said so far").click()
    assert page.get_by_text("About job?").is_visible()


def test_what_is_typed_survives_closing_the_page(progress: InterviewProgress, page: Any) -> None:
    page.goto(f"/interviews/{progress.pk}")
    page.get_by_label("Something else").fill("Only my regulars")
    page.get_by_text("Kept.").wait_for()
    page.goto("/projects")
    page.get_by_role("link", name="Go on with the questions").click()

    assert page.get_by_label("Something else").input_value() == "Only my regulars"


def test_the_end_leads_to_the_brief_by_itself(progress: InterviewProgress, page: Any) -> None:
    page.goto(f"/interviews/{progress.pk}")
    page.get_by_role("button", name="You decide").click()
    page.get_by_text("Thinking about your answer").wait_for()
    apart(take_step, progress, None)
    page.wait_for_url("**/brief")
    assert page.get_by_text("Promise 0").first.is_visible()
