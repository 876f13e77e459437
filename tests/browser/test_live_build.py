"""The build page shows new events without a reload."""

from typing import Any

import pytest

from escalations.models import AgentEscalation
from jobs.models import Job
from tests.browser.conftest import apart, say, until

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_an_event_appears_without_a_reload(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    page.evaluate("window.sameDocument = true")
    say(working_job, "The shelf can be searched now.")
    page.get_by_text("The shelf can be searched now.").wait_for()
    assert page.evaluate("window.sameDocument") is True


def test_a_question_is_answered_and_its_receipt_stays(question: AgentEscalation, page: Any) -> None:
    page.goto(f"/builds/{question.job_id}")
    assert page.title().startswith("(1)")
    page.get_by_role("button", name="Letters").click()
    page.get_by_text("You answered").wait_for()
    until(page, "!document.title.startsWith('(1)')")
    page.reload()
    page.get_by_text("You answered").wait_for()
    assert page.get_by_role("button", name="Letters").count() == 0


def test_what_is_being_typed_survives_the_news(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    box = page.get_by_label("Write to the agent")
    box.fill("Could the buttons")
    say(working_job, "Something happened meanwhile.")
    page.get_by_text("Something happened meanwhile.").wait_for()
    assert box.input_value() == "Could the buttons"
    assert page.evaluate("document.activeElement.id") == "message"


def test_news_do_not_steal_the_scroll(working_job: Job, page: Any) -> None:
    say(working_job, *(f"Line {n}." for n in range(80)))
    page.goto(f"/builds/{working_job.pk}")
    page.locator("#feed").evaluate("feed => { feed.scrollTop = 0 }")
    until(page, "document.getElementById('feed').scrollTop === 0")
    say(working_job, "The newest line.")
    page.get_by_role("button", name="jump to latest").click()
    page.get_by_text("The newest line.").wait_for()
    assert (
        page.locator("#feed").evaluate("feed => feed.scrollHeight - feed.scrollTop - feed.clientHeight") < 80
    )


def _begin(job: Job, phase: str) -> None:
    from jobs import events
    from jobs.models import EventType

    events.record(job.pk, EventType.PHASE_STARTED, phase=phase, position=1)


def test_one_phase_is_shown_and_followed(working_job: Job, page: Any) -> None:
    for phase in ("The list", "The form"):
        apart(_begin, working_job, phase)
        say(working_job, f"{phase} is begun.", phase=phase)
    page.goto(f"/builds/{working_job.pk}")
    page.get_by_label("Write to the agent").fill("Half a thought")
    page.get_by_label("Show").select_option("The form")
    page.get_by_text("The list is begun.").wait_for(state="detached")
    say(working_job, "The form is done.", phase="The form")
    page.get_by_text("The form is done.").wait_for()
    assert page.get_by_label("Write to the agent").input_value() == "Half a thought"
    page.reload()
    page.get_by_text("The form is done.").wait_for()
    assert page.get_by_text("The list is begun.").count() == 0


def test_what_was_earlier_comes_on_demand_and_moves_nothing(working_job: Job, page: Any) -> None:
    say(working_job, *(f"Line {n}." for n in range(1, 301)))
    page.goto(f"/builds/{working_job.pk}")
    assert page.get_by_text("Line 50.", exact=True).count() == 0
    button = page.get_by_role("button", name="Show what was earlier")
    button.scroll_into_view_if_needed()
    first = page.get_by_text("Line 102.", exact=True)
    before = first.bounding_box()
    button.click()
    page.get_by_text("Line 50.", exact=True).wait_for(state="attached")
    assert abs(first.bounding_box()["y"] - before["y"]) < 60  # the line with the button is gone


def test_a_page_far_behind_goes_straight_to_the_end_and_stays_small(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    say(working_job, *(f"Line {n}." for n in range(2_000)))
    page.get_by_text("Line 1999.", exact=True).wait_for()
    assert page.locator("#entries > li").count() <= 801
    page.get_by_role("button", name="Show what was earlier").wait_for(state="attached")


def test_nothing_jumps_while_news_arrive(working_job: Job, page: Any) -> None:
    say(working_job, *(f"Line {n}." for n in range(60)))
    page.goto(f"/builds/{working_job.pk}")
    page.evaluate(
        """window.shift = 0; new PerformanceObserver(list => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({type: "layout-shift"})"""
    )
    for number in range(5):
        say(working_job, f"News {number}.")
        page.get_by_text(f"News {number}.").wait_for()
    assert page.evaluate("window.shift") < 0.02


def test_today_is_given_more_on_the_page(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    page.locator("#today-form summary").click()
    box = page.get_by_label("Today may cost, in dollars")
    box.fill("a lot")
    page.get_by_role("button", name="Set for today").click()
    page.get_by_text("Write an amount in dollars").wait_for()
    assert box.input_value() == "a lot"
    box.fill("7.50")
    page.get_by_role("button", name="Set for today").click()
    page.get_by_text("of $7.50 today").wait_for()
