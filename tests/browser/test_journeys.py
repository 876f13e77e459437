"""What founders experience, in a real browser."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cofounder.models import User
from escalations.models import AgentEscalation
from jobs.models import Job
from tests.browser.conftest import PHONE, apart, keep, say, until

pytestmark = [pytest.mark.browser, pytest.mark.services]

TIRED = 60_000  # ms: a worker has to start, and the machine may be busy


@pytest.mark.timeout(300)
def test_from_signing_up_to_a_running_build(tiers: None, workers: Any, tab: Callable[..., Any]) -> None:
    page = tab(signed_in=False)
    page.goto("/")
    page.get_by_role("link", name="Begin with an idea").click()
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("Password (again)").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("heading", name="An empty page").wait_for()
    keep(page, "first projects page")
    page.get_by_role("link", name="See an example first").click()
    page.get_by_label("What is it called?").fill("Choir calendar")
    page.get_by_role("link", name="Review").click()
    page.get_by_role("definition").filter(has_text="Choir calendar").wait_for()
    page.get_by_role("button", name="Start building").click()
    page.get_by_text("The log begins as soon as").or_(page.locator("#entries li")).first.wait_for()
    workers.start()
    page.locator(".badge.working").wait_for(timeout=TIRED)
    page.get_by_text("I am starting to build.").wait_for(timeout=TIRED)
    page.locator("#phases .working, #phases .done").first.wait_for(timeout=TIRED)
    keep(page, "first running build")


def test_two_browsers_see_one_question_and_one_answer(
    question: AgentEscalation, tab: Callable[..., Any]
) -> None:
    laptop, phone = tab(), tab(viewport=PHONE)
    for page in (laptop, phone):
        page.goto(f"/builds/{question.job_id}")
        page.get_by_role("heading", name="A question for you").wait_for()
        assert page.title().startswith("(1)")
    keep(phone, "question on a phone")
    phone.get_by_role("button", name="Letters").click()
    for page in (laptop, phone):
        page.get_by_text("You answered").wait_for()
        until(page, "!document.title.startsWith('(1)')")
    assert laptop.get_by_role("button", name="Letters").count() == 0
    keep(laptop, "receipt on the other browser")


def _sleep(job: Job) -> None:
    from agents.models import AgentSession
    from jobs import clock

    wake_at = clock.now() + timedelta(hours=3)
    AgentSession.objects.filter(pk=job.pk).update(state="sleeping", wake_at=wake_at)


def test_a_reload_while_it_sleeps_keeps_the_countdown(working_job: Job, page: Any) -> None:
    apart(_sleep, working_job)
    page.goto(f"/builds/{working_job.pk}")
    countdown = page.locator(".heard [data-countdown]")
    until(page, "document.querySelector('.heard [data-countdown]').textContent.startsWith('2 h 59')")
    page.reload()
    assert countdown.text_content() == "2 h 59 min"
    assert page.locator("#state-now .badge").text_content() == "Asleep"
    keep(page, "asleep")


def test_offline_and_back_loses_nothing(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    say(working_job, "Before the tunnel.")
    page.get_by_text("Before the tunnel.").wait_for()
    page.context.set_offline(True)
    page.get_by_text("No connection. This is the state at").wait_for()
    for number in range(5):
        say(working_job, *(f"In the tunnel {number}-{part}." for part in range(10)))
    page.context.set_offline(False)
    page.get_by_text("In the tunnel 4-9.").wait_for()
    page.locator("#unconnected").wait_for(state="hidden")
    texts = page.locator(".narration p").all_text_contents()
    inside = [text for text in texts if text.startswith("In the tunnel")]
    assert inside == [f"In the tunnel {number}-{part}." for number in range(5) for part in range(10)]


def _sign_out_everywhere(founder: User) -> None:
    founder.set_password("another horse battery")
    founder.save(update_fields=["password"])


def test_a_page_that_is_signed_out_says_so_and_keeps_what_is_typed(
    working_job: Job, founder: User, page: Any
) -> None:
    page.goto(f"/builds/{working_job.pk}")
    page.get_by_label("Write to the agent").fill("Half a thought")
    apart(_sign_out_everywhere, founder)
    say(working_job, "Not for strangers.")
    page.get_by_text("You are signed out").wait_for()
    assert page.get_by_label("Write to the agent").input_value() == "Half a thought"
    assert page.get_by_text("Not for strangers.").count() == 0


def _focused(page: Any) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


def _tab_to(page: Any, text: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if _focused(page).startswith(text):
            return
    pytest.fail(f"Tab does not lead to {text!r}.")


def test_a_question_is_answered_with_the_keyboard_alone(question: AgentEscalation, page: Any) -> None:
    page.goto("/projects")
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    _tab_to(page, "1 question for you")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Questions for you").wait_for()
    _tab_to(page, "Letters")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    keep(page, "keyboard focus")
    page.keyboard.press("Enter")
    until(page, "/You answered|Thank you/.test(document.body.innerText)")


def test_a_menu_opens_and_closes_with_the_keyboard(working_job: Job, page: Any) -> None:
    page.goto(f"/builds/{working_job.pk}")
    _tab_to(page, "Account")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Settings").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Settings").wait_for(state="hidden")
    assert _focused(page) == "Account"
