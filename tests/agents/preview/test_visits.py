"""Visitors in a real browser: what they can do, what they cannot, and what is said about it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.preview import browser, visits
from agents.preview.steps import Step
from agents.preview.visits import Visit
from tests.agents.preview.hostile import App, hostile_app, inner_listener
from tests.agents.preview.lending import open_shelf

pytestmark = [pytest.mark.services, pytest.mark.browser]


@pytest.fixture
async def app() -> AsyncIterator[App]:
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    async with hostile_app() as running:
        open_shelf(running)
        yield running
        await browser.close()


async def no_file(path: str) -> bytes:
    return b"a picture of " + path.encode()


async def walk(app: App, *steps: dict[str, Any], kept: dict[str, Any] | None = None) -> Visit:
    return await visits.walk(app.url, [Step.model_validate(step) for step in steps], no_file, kept=kept)


LEND = (
    {"do": "fill", "name": "Your name", "text": "Anna {unique}"},
    {"do": "select", "role": "combobox", "name": "Tool", "text": "Saw"},
    {"do": "click", "role": "button", "name": "Borrow"},
    {"do": "wait_for", "role": "listitem", "text": "Saw: Anna"},
)


async def test_a_visitor_fills_in_chooses_clicks_and_sees_what_comes_of_it(app: App) -> None:
    visit = await walk(app, {"do": "open"}, *LEND, {"do": "look", "picture": True})
    assert (visit.failed, visit.reports) == (0, ())
    (look,) = visit.looks
    assert (look.step, look.address, look.title) == (6, "/", "Shelf")
    assert 'button "Borrow"' in look.tree
    assert "Saw: Anna" in look.tree
    assert look.picture.startswith(b"RIFF")


async def test_a_step_that_fails_says_what_is_there_instead_and_ends_the_visit(app: App) -> None:
    visit = await walk(app, {"do": "click", "name": "Lend"}, {"do": "open", "path": "/about"})
    assert visit.failed == 1
    assert "There is no such element called “Lend”" in visit.why
    assert 'button "Borrow"' in visit.why
    assert "/about" not in app.asked


async def test_what_is_there_twice_is_asked_about(app: App) -> None:
    visit = await walk(app, {"do": "click", "name": "Twice"})
    assert "2 on the page are called “Twice”: say which with number." in visit.why
    assert (await walk(app, {"do": "click", "name": "Twice", "number": 2})).failed == 0


async def test_each_visitor_has_a_browser_of_their_own_and_keeps_it_for_the_next_call(app: App) -> None:
    first = await walk(app, *LEND[:3], {"do": "look", "as": "visitor 2"})
    assert "Anna" not in next(look.tree for look in first.looks if look.visitor == "visitor 2")
    again = await walk(app, {"do": "look"}, {"do": "look", "as": "visitor 2"}, kept=first.kept)
    ours, theirs = again.looks
    assert "Anna" in ours.tree
    assert "Anna" not in theirs.tree


async def test_errors_requests_and_questions_of_the_page_are_reported(app: App) -> None:
    visit = await walk(app, {"do": "click", "name": "Borrow"})
    said = "\n".join(visit.reports)
    assert "visitor 1: console: no name" in said
    assert f"GET {app.url}/missing answered 404" in said
    assert "the page asks “Without a name?” (confirm): agreed" in said


async def test_files_are_sent_keys_pressed_and_new_tabs_followed(app: App) -> None:
    visit = await walk(
        app,
        {"do": "upload", "name": "Photo", "file": "images/drill.png"},
        {"do": "wait_for", "text": "You sent drill.png"},
        {"do": "press", "role": "link", "name": "In a new tab", "text": "Enter"},
        {"do": "wait_for", "role": "heading", "name": "About us"},
        {"do": "wait_for", "text": "Tool shelf", "gone": True},
    )
    assert (visit.failed, visit.why) == (0, "")
    assert visit.looks[-1].title == "About"


async def test_what_does_not_come_or_does_not_go_fails(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "WAIT_SECONDS", 0.5)
    assert (await walk(app, {"do": "wait_for", "text": "Nothing like it"})).failed == 1
    still = await walk(app, {"do": "wait_for", "text": "Tool shelf", "gone": True})
    assert still.failed == 1
    assert still.why.startswith("It is still on the page.")


async def test_no_step_leads_away_from_the_app(app: App) -> None:
    async with inner_listener() as inner:
        open_shelf(app, f"http://127.0.0.1:{inner.port}")
        visit = await walk(app, {"do": "click", "name": "Away"})
        assert (visit.failed, inner.heard) == (1, [])
        assert f"leads to 127.0.0.1:{inner.port}" in visit.why
        for path in (f"//127.0.0.1:{inner.port}/", f"/\\127.0.0.1:{inner.port}/", "file:///etc/passwd"):
            await walk(app, {"do": "open", "path": path})
        assert inner.heard == []


async def test_a_page_that_hangs_costs_its_step_and_not_the_next_visit(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "STEP_SECONDS", 1.0)
    visit = await walk(app, {"do": "open", "path": "/busy"}, {"do": "click", "name": "Nothing"})
    assert visit.failed
    assert (await walk(app, {"do": "open", "path": "/about"})).failed == 0


@pytest.mark.parametrize(
    "step",
    [
        {"do": "click"},
        {"do": "wait_for"},
        {"do": "upload", "name": "x"},
        {"do": "fly"},
        {"do": "open", "as": "me"},
    ],
)
def test_a_step_that_says_too_little_is_no_step(step: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Step"):
        Step.model_validate(step)
