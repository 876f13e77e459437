"""Screenshots of the app: a Chromium on this machine opens the preview."""

import asyncio
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from django.conf import settings

from agents.beside import beside
from agents.errors import AgentError
from agents.outside.allowances import PORTS, Allowance, Nothing, own_app
from agents.outside.browser_proxy import BrowserProxy
from agents.preview import chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

SECONDS = 20.0
QUIET_SECONDS = 2.0  # how long a page may keep loading before the screenshot is taken anyway
LARGEST = 200_000  # bytes
QUALITIES = (80, 60, 40, 25)
MOST_PROBLEMS = 5
NO_BYPASS = "<-loopback>"  # by itself, Chromium asks no proxy for what is on its own machine
# Nothing leaves the browser but through its proxy: no UDP, no name lookups.
ARGUMENTS = (
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-dev-shm-usage",
    "--disable-gpu",
)


class ScreenshotUnavailable(AgentError):
    """There is no browser on this machine to take screenshots with."""


class PageDown(AgentError):
    """The page does not answer."""


class PageLeft(PageDown):
    """The page leads away from the app."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The page leads to {place}, which is not a part of the app: it is not followed.")


@dataclass(frozen=True)
class Screenshot:
    """A WebP image. `problems` are the errors the page's own scripts reported."""

    image: bytes
    width: int
    height: int
    title: str
    is_blank: bool
    problems: tuple[str, ...]
    refused: tuple[str, ...] = ()  # hosts and ports outside of the app

    @property
    def reports(self) -> list[str]:
        """What the browser has to say, in sentences."""
        said = [f"The browser reports: {problem}" for problem in self.problems]
        if self.refused:
            said.append(
                f"The page asks for {', '.join(self.refused)}: refused, since this browser opens nothing but "
                "the app itself. Let the app serve what its pages need."
            )
        return said


def viewport(width: int) -> tuple[int, int]:
    """Width and height in pixels: a phone's below a width of 500, else a laptop's."""
    return (390, 844) if width < 500 else (1280, 800)


async def take(url: str, *, width: int = 1280) -> Screenshot:
    """Open the page of an app and take a screenshot. One browser serves the whole event loop.

    The page reaches its own host and port and nothing else. Raises `ScreenshotUnavailable` without a browser,
    `PageDown` when the page does not load, `PageLeft` when it leads elsewhere.
    """
    try:
        allowance = own_app(url)
    except ValueError as error:
        raise PageDown from error
    return await take_under(allowance, url, width=width)


async def take_under(allowance: Allowance, url: str, *, width: int = 1280) -> Screenshot:
    """As `take`, for a page that may reach what the allowance admits."""
    size = viewport(width)
    try:
        async with asyncio.timeout(SECONDS):
            with _our_errors():
                browser = await _running_browser()
                async with BrowserProxy(allowance) as proxy:
                    return await _look(browser, proxy, url, size)
    except TimeoutError as error:
        raise PageDown(f"The page did not load within {SECONDS:.0f} s.") from error


async def _look(browser: "Browser", proxy: BrowserProxy, url: str, size: tuple[int, int]) -> Screenshot:
    view: Any = {"width": size[0], "height": size[1]}
    context = await browser.new_context(
        viewport=view,
        is_mobile=size[0] < 500,
        service_workers="block",
        accept_downloads=False,
        proxy={"server": proxy.url, "bypass": NO_BYPASS},
    )
    try:
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await _open(page, url, proxy)
        png = await page.screenshot(type="png")
        title = await page.title()
        if _place(page.url) != _place(url):
            # Where a tunnel was refused, the browser shows a page of its own.
            is_error = page.url.startswith("chrome-error:") and proxy.refused
            raise PageLeft(proxy.refused[-1] if is_error else _place(page.url))
    finally:
        await context.close()
    image, is_blank = await beside(_to_webp, png)
    return Screenshot(image, *size, title, is_blank, tuple(problems[:MOST_PROBLEMS]), tuple(proxy.refused))


async def _open(page: "Page", url: str, proxy: BrowserProxy) -> None:
    from playwright.async_api import Error

    try:
        await page.goto(url, wait_until="load", timeout=SECONDS * 1000)
    except Error as error:
        if proxy.refused and "ERR_TUNNEL_CONNECTION_FAILED" in error.message:
            raise PageLeft(proxy.refused[-1]) from error
        raise
    await _settle(page)


def _place(url: str) -> str:
    """Host and port of a page's address, or the whole of an address that has none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or PORTS.get(parts.scheme, 0)}" if parts.hostname else url[:200]


async def _settle(page: "Page") -> None:
    from playwright.async_api import TimeoutError as StillLoading

    with suppress(StillLoading):
        await page.wait_for_load_state("networkidle", timeout=QUIET_SECONDS * 1000)


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
        self._no_way_out: BrowserProxy | None = None  # for the browser's own requests
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
        self._no_way_out = BrowserProxy(Nothing())
        await self._no_way_out.open()
        # As root, Chromium refuses to run with its own sandbox.
        is_root = os.geteuid() == 0
        browser: Browser = await self._playwright.chromium.launch(
            executable_path=executable,
            args=[*ARGUMENTS, *(["--no-sandbox"] if is_root else [])],
            proxy={"server": self._no_way_out.url, "bypass": NO_BYPASS},
            handle_sigint=False,
            handle_sigterm=False,
        )
        return browser

    async def close(self) -> None:
        browser, playwright, self._browser, self._playwright = self._browser, self._playwright, None, None
        proxy, self._no_way_out = self._no_way_out, None
        if browser is not None:
            await browser.close()
        if playwright is not None:
            await playwright.stop()
        if proxy is not None:
            await proxy.close()


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
