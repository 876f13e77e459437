import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from agents.preview import browser, launch
from agents.sandbox.workspace import Workspace
from tests.agents.preview.test_launch import declare
from tests.agents.tools.test_files import Caller, text

pytestmark = [pytest.mark.services, pytest.mark.browser]


@pytest.fixture
async def call(workspace: Workspace) -> AsyncIterator[Caller]:
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    await launch.start_app(workspace, await declare(workspace))
    yield Caller(workspace)
    await browser.close()


def picture(result: Any, number: int = 1) -> Image.Image:
    data = base64.b64decode(result.content[number]["source"]["data"])
    return Image.open(io.BytesIO(data))


async def test_a_screenshot_goes_to_the_model_and_into_the_storage(
    call: Caller, workspace: Workspace
) -> None:
    result = await call("take_screenshot")
    assert result.label == "Took a screenshot of /"
    assert "Uniform Swap" in text(result)
    assert (picture(result).format, picture(result).size) == ("WEBP", (1280, 800))
    assert result.image.startswith(f"projects/{workspace.project_id}/screenshots/")
    assert default_storage.size(result.image) < 200_000


async def test_a_narrow_one_is_a_phones(call: Caller) -> None:
    result = await call("take_screenshot", width=390)
    assert picture(result).size == (390, 844)


async def test_a_blank_page_and_errors_of_scripts_are_noticed(call: Caller, workspace: Workspace) -> None:
    await workspace.write("page.html", b"<title>x</title><script>nothing.here()</script>")
    shown = text(await call("take_screenshot"))
    assert "blank" in shown
    assert "nothing is not defined" in shown


async def test_the_model_is_told_what_was_refused_to_its_page(
    call: Caller, workspace: Workspace, e2b_url: str
) -> None:
    place = e2b_url.removeprefix("http://")
    script = f"fetch('{e2b_url}/').catch(e => document.title = 'blocked')"
    await workspace.write("page.html", f"<body>hello<script>{script}</script></body>".encode())
    shown = text(await call("take_screenshot"))
    assert "blocked" in shown
    assert f"The page asks for {place}: refused" in shown


async def test_a_page_that_leads_away_is_no_picture_but_a_failure(
    call: Caller, workspace: Workspace, e2b_url: str
) -> None:
    await workspace.write("page.html", f"<script>location.href = '{e2b_url}/health'</script>".encode())
    result = await call("take_screenshot")
    assert (result.is_error, result.error_type) == (True, "preview_down")
    assert f"The page leads to {e2b_url.removeprefix('http://')}, which is not a part of the app" in text(
        result
    )


async def test_an_app_that_is_not_running_is_told(call: Caller, workspace: Workspace) -> None:
    await workspace.end_all_groups()
    result = await call("take_screenshot")
    assert (result.is_error, result.error_type) == (True, "preview_down")


@pytest.mark.parametrize("path", ["//example.com/", "file:///etc/passwd", "javascript:1", "http://[x"])
async def test_only_the_apps_own_pages_are_looked_at(call: Caller, path: str) -> None:
    assert (await call("take_screenshot", path=path)).error_type == "invalid_input"


async def test_without_a_browser_the_tool_says_so(call: Caller, settings: Settings, tmp_path: Path) -> None:
    settings.CHROMIUM = str(tmp_path / "missing")
    result = await call("take_screenshot")
    assert (result.is_error, result.error_type) == (True, "screenshot_unavailable")


async def test_it_is_as_wide_as_it_was_asked_to_be(call: Caller) -> None:
    assert picture(await call("take_screenshot", width=768)).size == (768, 800)


async def test_a_whole_page_comes_in_pieces_from_the_top_down(call: Caller, workspace: Workspace) -> None:
    bands = "".join(
        f'<div style="height:900px;background:{colour}"></div>' for colour in ("red", "lime", "blue")
    )
    await workspace.write("page.html", f"<title>x</title><body style='margin:0'>{bands}".encode())
    result = await call("take_screenshot", full_page=True)
    assert result.label == "Took a picture of all of /"
    pieces = result.content[1:]
    assert [picture(result, n).size for n in range(1, 4)] == [(1280, 1093), (1280, 1093), (1280, 514)]
    assert len(pieces) == 3
    assert "/ at 1280x2700" in text(result)
    assert "In 3 pictures" in text(result)
    with default_storage.open(result.image) as kept:
        assert Image.open(kept).size == (1280, 2700)
    assert "left out" not in text(result)


async def test_a_page_without_an_end_is_shown_in_part(call: Caller, workspace: Workspace) -> None:
    await workspace.write("page.html", b"<title>x</title><div style='height:90000px'>x</div>")
    result = await call("take_screenshot", full_page=True, width=390)
    assert len(result.content) == 6
    assert "what is below 7840 pixels is left out" in text(result)
