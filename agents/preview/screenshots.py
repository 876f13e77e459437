"""Screenshots of the app: a Chromium on this machine opens the preview."""

import asyncio
import io
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from django.conf import settings

from agents.errors import AgentError
from agents.preview import chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

SECONDS = 20.0
QUIET_SECONDS = 2.0  # how long a page may keep loading before the screenshot is taken anyway
LARGEST = 200_000  # bytes
QUALITIES = (80, 60, 40, 25)
MOST_PROBLEMS = 5


class ScreenshotUnavailable(AgentError):
    """There is no browser on this machine to take screenshots with."""


class PageDown(AgentError):
    """The page does not answer."""


@dataclass(frozen=True)
class Screenshot:
    """A WebP image; `problems` are the errors the page's own scripts reported."""

    image: bytes
    width: int
    height: int
    title: str
    is_blank: bool
    problems: tuple[str, ...]


def viewport(width: int) -> tuple[int, int]:
    """Width and height in pixels: a phone's below a width of 500, else a laptop's."""
    return (390, 844) if width < 500 else (1280, 800)


async def take(url: str, *, width: int = 1280) -> Screenshot:
    """Open the page and take a screenshot. One browser serves the whole event loop.

    Raises `ScreenshotUnavailable` without a browser, `PageDown` when the page does not load.
    """
    size = viewport(width)
    try:
        async with asyncio.timeout(SECONDS):
            with _our_errors():
                return await _look(await _running_browser(), url, size)
    except TimeoutError as error:
        raise PageDown(f"The page did not load within {SECONDS:.0f} s.") from error


async def _look(browser: "Browser", url: str, size: tuple[int, int]) -> Screenshot:
    view: Any = {"width": size[0], "height": size[1]}
    context = await browser.new_context(viewport=view, is_mobile=size[0] < 500, service_workers="block")
    try:
        host = urlsplit(url).hostname or ""
        await context.route("**/*", lambda route: _only_what_is_public(route, host))
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(url, wait_until="load", timeout=SECONDS * 1000)
        await _settle(page)
        png = await page.screenshot(type="png")
        title = await page.title()
    finally:
        await context.close()
    image, is_blank = await asyncio.to_thread(_to_webp, png)
    return Screenshot(image, *size, title, is_blank, tuple(problems[:MOST_PROBLEMS]))


async def _settle(page: "Page") -> None:
    from playwright.async_api import TimeoutError as StillLoading

    with suppress(StillLoading):
        await page.wait_for_load_state("networkidle", timeout=QUIET_SECONDS * 1000)


async def _only_what_is_public(route: "Route", own_host: str) -> None:
    """Block requests to private addresses: the page runs in our browser, inside our network."""
    host = urlsplit(route.request.url).hostname or ""
    if host == own_host or not is_private(host):
        await route.continue_()
    else:
        await route.abort("blockedbyclient")


def is_private(host: str) -> bool:
    """Whether a host's name or address is of this machine or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    with suppress(ValueError):
        return not ipaddress.ip_address(host).is_global
    return "." not in host and bool(host)


def _to_webp(png: bytes) -> tuple[bytes, bool]:
    """The image as WebP, compressed to at most `LARGEST` bytes where possible, and whether it is blank."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    extrema: Any = picture.convert("L").getextrema()  # of one band: two numbers
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality)
        if file.tell() <= LARGEST:
            break
    return file.getvalue(), extrema[1] - extrema[0] < 8


# The browser


class _Chromium:
    """One browser, started on first use, and started again if it has died."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()
        self._playwright: Any = None
        self._browser: Browser | None = None

    async def running(self) -> "Browser":
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self.close()
                self._browser = await self._start()
            return self._browser

    async def _start(self) -> "Browser":
        try:
            from PIL import Image  # noqa: F401
            from playwright.async_api import async_playwright
        except ImportError as error:
            raise ScreenshotUnavailable from error
        executable = find_chromium()
        if not executable:
            raise ScreenshotUnavailable
        self._playwright = await async_playwright().start()
        # As root, Chromium refuses to run with its own sandbox.
        is_root = os.geteuid() == 0
        arguments = ["--disable-dev-shm-usage", "--disable-gpu", *(["--no-sandbox"] if is_root else [])]
        browser: Browser = await self._playwright.chromium.launch(
            executable_path=executable, args=arguments, handle_sigint=False, handle_sigterm=False
        )
        return browser

    async def close(self) -> None:
        browser, playwright, self._browser, self._playwright = self._browser, self._playwright, None, None
        if browser is not None:
            await browser.close()
        if playwright is not None:
            await playwright.stop()


_browsers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Chromium] = WeakKeyDictionary()


def find_chromium() -> str:
    """The browser's path; empty when there is none."""
    return chromium.find(settings.CHROMIUM)


async def _running_browser() -> "Browser":
    return await _browsers.setdefault(asyncio.get_running_loop(), _Chromium()).running()


async def close() -> None:
    """Close the browser of this event loop, if one was started."""
    if browser := _browsers.pop(asyncio.get_running_loop(), None):
        await browser.close()


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        from playwright.async_api import Error
    except ImportError as error:
        raise ScreenshotUnavailable from error
    try:
        yield
    except Error as error:
        if "net::ERR" in error.message or "Timeout" in error.message:
            raise PageDown(f"The page does not load: {error.message.splitlines()[0]}") from error
        raise ScreenshotUnavailable(f"The browser failed: {error.message.splitlines()[0]}") from error
