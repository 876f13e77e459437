"""Every page in every theme and size: it fits its window, has no errors, and axe finds nothing serious."""

from collections.abc import Callable
from typing import Any

import pytest

from escalations.models import AgentEscalation
from jobs.models import Job
from tests.browser.conftest import LAPTOP, PHONE, apart, keep, until

pytestmark = [pytest.mark.browser, pytest.mark.services]

OPEN_PAGES = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-nothing/",
    "/accounts/confirm-email/nothing/",
    "/enter/used-up",
    "/nothing-here",
]
OWN_PAGES = [
    "/projects",
    "/projects/new",
    "/projects/new?write",
    "/projects/new?example",
    "/questions",
    "/settings",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/builds/{job}",
    "/builds/{job}/changes",
]
STATES = ["queued", "code", "ready", "failed", "cancelled"]
LOOKS = [(LAPTOP, "light"), (PHONE, "dark")]


def _happen(job: Job) -> None:
    """Add one event of every kind to the log."""
    from agents.models import BuildDocument
    from jobs import clock, events
    from jobs.models import EventType, Phase

    done = {"tool": "bash", "label": "Ran the tests", "ok": False, "exit_code": 1, "duration_ms": 2400}
    samples: dict[EventType, dict[str, Any]] = {
        EventType.AGENT_NARRATION: {"text": "The list can be searched now.", "phase": "The list"},
        EventType.AGENT_THINKING: {"text": "Sort by what is free."},
        EventType.AGENT_MESSAGE: {"text": "Larger buttons, please.", "author": "founder"},
        EventType.TOOL_CALLED: {"call_id": "c1", "tool": "bash", "label": "Running the tests"},
        EventType.TOOL_FINISHED: {**done, "call_id": "c2", "excerpt": "failed", "diff": "@@\n-a\n+b"},
        EventType.AGENT_ERROR: {"message": "The sandbox does not answer."},
        EventType.AGENT_RETRYING: {"attempt": 1, "of": 3, "what": "again", "error": "no"},
        EventType.BUILD_PAUSED: {"reason": "Five questions are open."},
        EventType.PROVIDER_WAIT: {"reason": "busy", "attempt": 1},
        EventType.SLEEPING: {"wake_at": "2026-11-22T00:00:00+00:00", "reason": "Enough for today."},
        EventType.WAKING: {"reason": "A new day."},
        EventType.BUDGET_EXCEEDED: {"wake_at": "2026-11-22T00:00:00+00:00", "budget_pct": 100},
        EventType.PHASE_STARTED: {"phase": "Everything that was ever lent or lost", "position": 1},
        EventType.PHASE_COMPLETED: {"phase": "The list", "position": 1},
        EventType.SNAPSHOT_UPDATED: {
            "files": 3,
            "size": 2048,
            "ok": True,
            "databases": ["data/app.db"],
            "moving": ["logs/app.log"],
            "kept": [{"path": "cache.bin", "as_of": "2026-11-21T12:00:00+00:00"}],
            "as_read": ["queue.bin"],
        },
        EventType.SNAPSHOT_RESTORED: {"files": ["app.py"], "count": 1},
        EventType.PREVIEW_UPDATED: {"url": "", "status": "down"},
        EventType.CHECK_FINISHED: {"promise": "a list of uniforms by size", "run": "true", "ok": True},
    }
    events.record_all(job.pk, list(samples.items()))
    for position, status in enumerate(("done", "working", "planned"), start=1):
        Phase.objects.create(
            job=job, position=position, name=f"Phase {position}", goal="See it", status=status,
            started_at=clock.now(),
        )  # fmt: skip
    BuildDocument.objects.create(job=job, section="overview", content="# A list", updated_at=clock.now())


def _look(page: Any, path: str, name: str) -> list[str]:
    """What is wrong with a page: console messages, elements that overflow, and what axe finds."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no stubs

    page.goto(path)
    until(page, "document.readyState === 'complete'")
    keep(page, name)
    wrong = []
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{name} is wider than its window")
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            places = [node["target"] for node in violation["nodes"]][:3]
            wrong.append(f"{name}: {violation['id']} at {places}")
    return wrong


def _said(page: Any) -> list[str]:
    """Collects the page's console errors; the error status of an error page itself is not counted."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    return complaints


@pytest.mark.parametrize(("window", "theme"), LOOKS, ids=["laptop-light", "phone-dark"])
def test_every_page_is_whole(
    question: AgentEscalation, tab: Callable[..., Any], window: Any, theme: str
) -> None:
    apart(_happen, question.job)
    size = "phone" if window is PHONE else "laptop"
    wrong = []
    for signed_in, paths in ((False, OPEN_PAGES), (True, OWN_PAGES)):
        page = tab(signed_in=signed_in, viewport=window, color_scheme=theme, reduced_motion="reduce")
        complaints = _said(page)
        for path in paths:
            wrong += _look(page, path.format(job=question.job_id), f"{path.format(job='job')} {size} {theme}")
        wrong += complaints
    assert wrong == []


def _set(job: Job, status: str) -> None:
    from jobs.models import Job

    Job.objects.filter(pk=job.pk).update(status=status, status_message="Out of disk.")


def test_a_build_is_whole_in_every_state(job: Job, tab: Callable[..., Any]) -> None:
    page = tab(viewport=PHONE)
    wrong = []
    for status in STATES:
        apart(_set, job, status)
        wrong += _look(page, f"/builds/{job.pk}", f"build {status} phone")
    assert wrong == []
