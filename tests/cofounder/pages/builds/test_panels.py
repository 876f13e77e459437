"""Which panels are updated by which events."""

from typing import Any

import pytest
from django.test import Client

from cofounder.pages.builds import panels
from jobs import events
from jobs.models import EventType, Job, JobEvent, Phase


def _event(event_type: EventType, **payload: Any) -> JobEvent:
    return JobEvent(seq=1, type=event_type, payload=payload)


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (_event(EventType.TOOL_FINISHED, tool="bash"), set()),
        (_event(EventType.TOOL_FINISHED, tool="plan"), {"phases"}),
        (_event(EventType.TOOL_FINISHED, tool="take_screenshot", image="a.webp"), {"preview"}),
        (_event(EventType.CHECK_FINISHED), {"promises"}),
        (_event(EventType.SNAPSHOT_UPDATED), {"files"}),
        (_event(EventType.JOB_STATUS), panels.ALL),
    ],
)
def test_an_event_brings_the_panels_it_changed(event: JobEvent, changed: set[str]) -> None:
    assert panels.changed_by([event]) == changed


def test_several_events_bring_all_of_theirs() -> None:
    news = [_event(EventType.CHECK_FINISHED), _event(EventType.DOCUMENTATION_UPDATED)]
    assert panels.changed_by(news) == {"promises", "documents"}


@pytest.mark.parametrize("event_type", EventType)
def test_only_panels_that_exist_are_named(event_type: EventType) -> None:
    assert panels.changed_by([_event(event_type)]) <= panels.ALL


def test_news_without_consequences_are_small(browser: Client, working_job: Job) -> None:
    events.record(working_job.pk, EventType.AGENT_NARRATION, text="Hello.", phase="")
    news = browser.get(f"/builds/{working_job.pk}/feed?after=1").text
    assert 'id="state"' in news
    assert 'id="phases"' not in news


def test_a_phase_that_begins_brings_the_plan(browser: Client, working_job: Job) -> None:
    Phase.objects.create(job=working_job, position=1, name="The list", status="working")
    events.record(working_job.pk, EventType.PHASE_STARTED, phase="The list", position=1)
    news = browser.get(f"/builds/{working_job.pk}/feed?after=1").text
    assert "0 of 1 done" in news
    assert '<option value="The list">' in news


def test_everything_comes_when_it_is_asked_for(browser: Client, working_job: Job) -> None:
    news = browser.get(f"/builds/{working_job.pk}/feed?after=1&all=1").text
    for panel in panels.ALL:
        assert f'id="{panel}"' in news
