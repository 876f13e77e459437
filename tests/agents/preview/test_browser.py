"""The worker's browser: one, bounded, and begun again."""

from collections.abc import AsyncIterator

import pytest

from agents.preview import browser, screenshots
from agents.preview.browser import PageDown
from tests.agents.preview.hostile import App, hostile_app

pytestmark = [pytest.mark.services, pytest.mark.browser]

HUNGRY = "<script>kept = []; for (n = 0; n < 25; n++) kept.push(new Uint8Array(2e7).fill(1))</script>hungry"
BUSY = "<title>busy</title>busy<script>addEventListener('load', () => { for (;;); })</script>"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    async with hostile_app() as running:
        running.pages["/good"] = "<title>good</title><h1>Good</h1>"
        yield running
        await browser.close()


async def test_a_page_that_takes_too_much_memory_ends_the_browser_and_not_the_next_one(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "WATCH_SECONDS", 0.02)
    app.pages["/"] = HUNGRY
    with pytest.raises(PageDown, match="more than 300 MB"):
        await screenshots.take(f"{app.url}/")
    assert (await screenshots.take(f"{app.url}/good")).title == "good"


async def test_a_page_that_hangs_does_not_hang_the_next_one(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.pages["/"] = BUSY
    monkeypatch.setattr(screenshots, "LOAD_SECONDS", 4.0)
    with pytest.raises(PageDown):
        await screenshots.take(f"{app.url}/")
    assert (await screenshots.take(f"{app.url}/good")).title == "good"


async def use_what_has_died() -> None:
    async with browser.opened(5) as running:
        browser._of_this_loop().kill()
        await running.new_context()


async def test_a_browser_that_has_died_is_begun_again(app: App) -> None:
    await screenshots.take(f"{app.url}/good")
    async with browser.opened(5) as first:
        pass
    with pytest.raises(PageDown):
        await use_what_has_died()
    async with browser.opened(5) as second:
        assert second is not first
    assert (await screenshots.take(f"{app.url}/good")).title == "good"
