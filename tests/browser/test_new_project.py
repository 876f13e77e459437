"""Describing an idea and answering the interview, step by step; what is typed is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import keep, until

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_a_project_is_told_step_by_step_and_reviewed(tiers: None, page: Any) -> None:
    page.goto("/projects/new?write")
    page.get_by_label("What is it called?").fill("Choir calendar")
    page.get_by_label("What is it called?").press("Enter")  # continues, and sends nothing
    page.get_by_label("What must it be able to do?").fill("a list of rehearsals\na way to say no")
    page.get_by_role("link", name="Next").click()
    page.get_by_role("button", name="Add something it should know").click()
    page.get_by_label("Your own question").fill("Is it urgent?")
    page.get_by_label("Your answer").fill("By Sunday.")
    page.get_by_role("link", name="Next").click()
    until(page, "document.activeElement.textContent === 'Review'")
    told = page.get_by_role("definition").all_text_contents()
    assert told == ["Choir calendar", "Still needed", "a list of rehearsals\na way to say no", "By Sunday."]
    keep(page, "review of a new project")
    page.go_back()
    page.get_by_label("Your own question").wait_for()
    page.go_forward()
    page.get_by_role("button", name="Start building").click()
    page.get_by_text("Almost.").wait_for()
    assert page.get_by_label(
        "What is the first version for?"
    ).is_visible()  # the step whose answer is missing
    assert page.get_by_label("What is it called?").input_value() == "Choir calendar"


def test_a_draft_is_back_after_the_tab_was_closed(page: Any) -> None:
    page.goto("/projects/new?write")
    page.get_by_label("What is it called?").fill("Choir calendar")
    page.get_by_text("Saved in this browser").wait_for()
    page.close()
    again = page.context.new_page()
    again.goto("/projects/new?write#review")
    again.get_by_role("definition").filter(has_text="Choir calendar").wait_for()
    again.get_by_text("Your draft is back.").wait_for()


def test_without_scripts_it_is_one_form(tab: Callable[..., Any]) -> None:
    page = tab(java_script_enabled=False)
    page.goto("/projects/new?write")
    for label in ("What is it called?", "What must it be able to do?", "What must never go wrong?"):
        assert page.get_by_label(label).is_visible()
    assert page.get_by_role("button", name="Start building").is_visible()
    assert page.get_by_role("link", name="Next").count() == 0
