"""The build page follows its log without a reload."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import close_old_connections, connections

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_an_event_appears_without_a_reload(working_job: Any, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    page.evaluate("window.sameDocument = true")
    _apart(_say, working_job, "The shelf can be searched now.")
    page.get_by_text("The shelf can be searched now.").wait_for()
    assert page.evaluate("window.sameDocument") is True


def test_a_question_is_answered_and_its_receipt_stays(question: Any, page: Any) -> None:
    page.goto(f"/builds/{question.job_id}")
    assert page.title().startswith("(1)")
    page.get_by_role("button", name="Letters").click()
    page.get_by_text("You answered").wait_for()
    page.wait_for_function("!document.title.startsWith('(1)')")
    page.reload()
    page.get_by_text("You answered").wait_for()
    assert page.get_by_role("button", name="Letters").count() == 0


def test_what_is_being_typed_survives_the_news(working_job: Any, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    box = page.get_by_label("Write to the agent")
    box.fill("Could the buttons")
    _apart(_say, working_job, "Something happened meanwhile.")
    page.get_by_text("Something happened meanwhile.").wait_for()
    assert box.input_value() == "Could the buttons"
    assert page.evaluate("document.activeElement.id") == "message"


def test_news_do_not_steal_the_scroll(working_job: Any, page: Any) -> None:
    _apart(_say, working_job, *(f"Line {n}." for n in range(80)))
    page.goto(f"/builds/{working_job.pk}")
    page.locator("#feed").evaluate("feed => { feed.scrollTop = 0 }")
    page.wait_for_function("document.getElementById('feed').scrollTop === 0")
    _apart(_say, working_job, "The newest line.")
    page.get_by_role("button", name="jump to latest").click()
    page.get_by_text("The newest line.").wait_for()
    assert (
        page.locator("#feed").evaluate("feed => feed.scrollHeight - feed.scrollTop - feed.clientHeight") < 80
    )


def _say(job: Any, *texts: str) -> None:
    from jobs import events
    from jobs.models import EventType

    events.record_all(job.pk, [(EventType.AGENT_NARRATION, {"text": text, "phase": ""}) for text in texts])


def _apart(function: Callable[..., Any], *arguments: Any) -> None:
    """In a thread: Playwright's loop runs in this one, where Django refuses the database."""

    def run() -> None:
        close_old_connections()
        try:
            function(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
