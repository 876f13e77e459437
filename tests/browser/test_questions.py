"""A question in two browsers at once, keys entered on its card, and a request for a change."""

from typing import Any

import pytest

from escalations.models import AgentEscalation
from jobs.models import Job
from tests.browser.conftest import LIMIT
from tests.cofounder.pages.projects.test_secrets import OPTIONS

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def key_question(question: AgentEscalation) -> Any:
    question.options = OPTIONS
    question.plain_english_problem = "I tried to reach the shop, and I need the key STRIPE_API_KEY."
    question.save(update_fields=["options", "plain_english_problem"])
    return question


@pytest.fixture
def ready_job(working_job: Job) -> Job:
    from jobs.models import Job

    Job.objects.filter(pk=working_job.pk).update(status="ready")
    return working_job


def second_browser(page: Any, chromium: Any, server: str, cookie: str) -> Any:
    context = chromium.new_context(base_url=server, viewport={"width": 390, "height": 844})
    context.set_default_timeout(LIMIT)
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": server}])
    return context.new_page()


def test_an_answer_on_a_second_browser_changes_the_first(
    question: AgentEscalation, page: Any, chromium: Any, server: str, cookie: str
) -> None:
    phone = second_browser(page, chromium, server, cookie)
    for browser in (page, phone):
        browser.goto(f"/builds/{question.job_id}")
        browser.evaluate("window.sameDocument = true")
    phone.get_by_label("Anything to add").fill("Half sizes, too.")
    phone.get_by_role("button", name="Ages").click()
    page.get_by_text("You answered").wait_for()
    page.get_by_text("Half sizes, too.").wait_for()
    page.wait_for_function("!document.title.startsWith('(1)')")
    assert page.get_by_role("button", name="Letters").count() == 0
    assert page.evaluate("window.sameDocument") is True


def test_a_key_is_given_on_the_card_and_shown_nowhere(key_question: Any, page: Any) -> None:
    page.goto(f"/builds/{key_question.job_id}")
    page.get_by_label("STRIPE_API_KEY", exact=True).fill("1234")
    page.get_by_role("button", name="Give me access").click()
    page.get_by_text("too short to be kept secret").wait_for()
    assert page.get_by_label("STRIPE_API_KEY", exact=True).input_value() == "1234"
    page.get_by_label("STRIPE_API_KEY", exact=True).fill("sk-123456")
    page.get_by_label("STRIPE_API_KEY", exact=True).press("Enter")  # the keyboard gives access, too
    page.get_by_text("Given: STRIPE_API_KEY").wait_for()
    assert "sk-123456" not in page.content()
    page.get_by_role("link", name="All keys of this project").click()
    page.get_by_role("button", name="Remove STRIPE_API_KEY").click()
    page.get_by_text("There is none yet").wait_for()


def test_a_change_is_asked_for_promised_and_built(ready_job: Job, page: Any) -> None:
    page.goto(f"/builds/{ready_job.pk}")
    page.get_by_label("Ask for a change").fill("Sort it by size.")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("nothing will check this change").wait_for()
    page.get_by_role("button", name="Make it a promise").click()
    page.locator("li.new", has_text="Sort it by size.").wait_for()
    page.get_by_role("button", name="Build this").click()
    page.get_by_text("Version 2").wait_for()
    page.get_by_text("New promise P3: Sort it by size.").wait_for()
