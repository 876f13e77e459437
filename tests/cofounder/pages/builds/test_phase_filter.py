"""The log of one phase."""

from typing import Any

import pytest
from django.test import Client

from cofounder.pages.builds import phase_filter
from cofounder.pages.builds.phase_filter import Span
from jobs import events
from jobs.models import EventType, Job

SPANS = [Span("List", 3, 6), Span("Form", 6, 9), Span("List", 9, None)]


@pytest.fixture
def phased(working_job: Job) -> Any:
    """A build whose log has two phases, the first of which was resumed later."""
    for name in ("List", "Form", "List"):
        events.record(working_job.pk, EventType.PHASE_STARTED, phase=name, position=1)
        events.record(working_job.pk, EventType.AGENT_NARRATION, text=f"{name} goes on.", phase=name)
    return working_job


@pytest.mark.parametrize(
    ("phase", "seen"),
    [("List", [3, 4, 5, 9, 10]), ("Form", [6, 7, 8]), ("", list(range(1, 11))), ("?", list(range(1, 11)))],
)
def test_a_phase_holds_what_happened_while_it_was_under_way(phase: str, seen: list[int]) -> None:
    assert [seq for seq in range(1, 11) if phase_filter.holds(SPANS, phase, seq)] == seen


def test_each_phase_is_named_once_in_order() -> None:
    assert phase_filter.names(SPANS) == ["List", "Form"]


@pytest.mark.parametrize("phase", ["List", "Form", "", "?"])
def test_the_database_finds_the_same(phased: Any, phase: str) -> None:
    spans = phase_filter.spans_of(phased)
    found = phased.events.filter(phase_filter.condition(spans, phase)).values_list("seq", flat=True)
    everything = phased.events.values_list("seq", flat=True)
    assert list(found) == [seq for seq in everything if phase_filter.holds(spans, phase, seq)]


def test_the_page_shows_one_phase_and_says_which(browser: Client, phased: Any) -> None:
    page = browser.get(f"/builds/{phased.pk}", {"phase": "Form"}).text
    assert "Form goes on." in page
    assert "List goes on." not in page
    assert '<option value="Form" selected>' in page


def test_a_phase_that_never_began_shows_everything(browser: Client, phased: Any) -> None:
    page = browser.get(f"/builds/{phased.pk}", {"phase": "<script>"}).text
    assert "List goes on." in page
    assert "<script>" not in page.split("<body")[1]


def test_news_of_other_phases_move_the_page_on_without_entries(browser: Client, phased: Any) -> None:
    events.record(phased.pk, EventType.AGENT_NARRATION, text="News of the list.", phase="List")
    phased.refresh_from_db()
    news = browser.get(f"/builds/{phased.pk}/feed", {"after": phased.last_seq - 1, "phase": "Form"}).text
    assert "News of the list." not in news
    assert f'data-seq="{phased.last_seq}"' in news


def test_what_was_earlier_stays_within_the_phase(browser: Client, phased: Any) -> None:
    earlier = browser.get(f"/builds/{phased.pk}/feed", {"before": "999", "phase": "Form"}).text
    assert "Form goes on." in earlier
    assert "List goes on." not in earlier
