"""Journeys that are kept in the workspace, as checks walk them without a model."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.preview import browser, launch
from agents.preview.declaration import Check, DeclarationError, declaration
from agents.preview.journeys import run_journey
from agents.preview.promise_checks import run_checks
from agents.preview.steps import Journey
from agents.sandbox.workspace import Workspace
from jobs.promises import Promised
from tests.agents.preview.lending import SHELF
from tests.agents.preview.test_launch import declare
from tests.agents.tools.test_files import Caller, text

pytestmark = [pytest.mark.services, pytest.mark.browser]

LEND: list[dict[str, Any]] = [
    {"do": "open", "path": "/"},
    {"do": "fill", "name": "Your name", "text": "Anna {unique}"},
    {"do": "click", "name": "Borrow"},
    {"do": "wait_for", "role": "listitem", "text": "Drill: Anna {unique}"},
]


@pytest.fixture
async def app(workspace: Workspace) -> AsyncIterator[Workspace]:
    """The workspace, with its app running."""
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    await launch.start_app(workspace, await declare(workspace))
    await workspace.write("page.html", SHELF.format(inner="").encode())
    yield workspace
    await browser.close()


async def test_what_the_agent_has_walked_becomes_a_check_that_can_fail(app: Workspace) -> None:
    result = await Caller(app)("use_app", steps=LEND, save_as="lend")
    assert (result.is_error, result.label) == (False, "Tried the app as 1 visitor, 4 steps")
    assert "Kept as cofounder/journeys/lend.json" in text(result)
    assert "Drill: Anna" in text(result)
    check = Check(promise="Lend tools", journey="journeys/lend.json")
    declared = (await declaration(app)).model_copy(update={"checks": [check]})
    kept = (await run_checks(app, [Promised("Lend tools")], declared))[1]
    assert (kept.ok, kept.run) == (True, "journeys/lend.json")
    assert kept.output.splitlines()[1] == "2. fill “Your name”"
    await app.write("page.html", b"<title>x</title><h1>Nothing</h1>")
    broken = (await run_checks(app, [Promised("Lend tools")], declared))[1]
    assert not broken.ok
    assert "Step 2 could not be done. There is no such element called “Your name”" in broken.output


async def test_a_step_that_fails_is_the_calls_failure_and_nothing_is_kept(app: Workspace) -> None:
    steps = [*LEND[:2], {"do": "click", "name": "Lend"}, LEND[3]]
    result = await Caller(app)("use_app", steps=steps, save_as="lend")
    assert (result.is_error, result.error_type) == (True, "step_failed")
    assert text(result).startswith("Step 3 (click “Lend”) could not be done.")
    assert "The 1 step after it was not done." in text(result)
    assert (await app.look("cofounder/journeys/lend.json")).kind == ""


async def test_visitors_are_remembered_between_calls_and_pictures_shown(app: Workspace) -> None:
    call = Caller(app)
    await call("use_app", steps=LEND[:3])
    result = await call("use_app", steps=[{"do": "open"}, {"do": "look", "picture": True}])
    assert "Anna" in text(result)
    assert result.content[1]["type"] == "image"
    assert result.image.startswith(f"projects/{app.project_id}/screenshots/")


async def test_a_way_that_expects_nothing_is_not_kept(workspace: Workspace) -> None:
    result = await Caller(workspace)("use_app", steps=LEND[:3], save_as="lend")
    assert result.error_type == "invalid_input"
    assert "one that expects nothing proves nothing" in text(result)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "There is no journey"), (b"{", "Invalid JSON"), (b'{"steps": [{"do": "fly"}]}', "steps.0.do")],
)
async def test_a_file_that_is_no_journey_is_no_proof(
    workspace: Workspace, content: bytes | None, why: str
) -> None:
    if content is not None:
        await workspace.write("cofounder/journeys/lend.json", content)
    walked = await run_journey(workspace, workspace.host(8000), "journeys/lend.json")
    assert not walked.ok
    assert why in walked.output


def test_a_journey_is_kept_as_it_was_given() -> None:
    journey = Journey.model_validate({"steps": LEND})
    assert Journey.model_validate_json(journey.as_json()) == journey
    assert '"as"' not in journey.as_json()


@pytest.mark.parametrize(
    "check",
    [
        '{"promise": "x"}',
        '{"promise": "x", "run": "true", "journey": "journeys/a.json"}',
        '{"promise": "x", "journey": "../a.json"}',
    ],
)
async def test_a_check_is_a_command_or_a_journey(workspace: Workspace, check: str) -> None:
    content = f'{{"start": "x", "port": 8000, "checks": [{check}]}}'
    await workspace.write("cofounder.json", content.encode())
    with pytest.raises(DeclarationError, match=r"checks\.0"):
        await declaration(workspace)
