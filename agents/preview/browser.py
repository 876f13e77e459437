"""The worker's browser: one Chromium, which reaches nothing but through a proxy that refuses the rest."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

from agents.beside import beside
from agents.errors import AgentError
from agents.outside.allowances import PORTS, Nothing
from agents.outside.browser_proxy import BrowserProxy
from agents.preview import chromium, memory

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

LOAD_SECONDS = 20.0
QUIET_SECONDS = 2.0  # how long a page may keep loading before it is taken as it is
MOST_MEMORY = 300_000_000  # bytes, of the browser with all its processes
MOST_CALLERS = 2  # at a time; the others wait
WATCH_SECONDS = 0.5
CLOSE_SECONDS = 5.0
NO_BYPASS = "<-loopback>"  # by itself, Chromium asks no proxy for what is on its own machine
BROWSERS_OWN = ("content-autofill.googleapis.com:443",)  # what it asks for by itself, on a page with a form
# Nothing leaves the browser but through its proxy: no UDP, no name lookups.
ARGUMENTS = (
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-site-isolation-trials",  # all it can reach is one site: no process for each frame
)

log = structlog.get_logger(__name__)


class BrowserUnavailable(AgentError):
    """There is no browser on this machine."""


class PageDown(AgentError):
    """The page does not answer."""


class PageLeft(PageDown):
    """The page leads away from the app."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The page leads to {place}, which is not a part of the app: it is not followed.")


class _Chromium:
    """One browser, started on first use, and started again if it has died."""

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(MOST_CALLERS)
        self._starting = asyncio.Lock()
        self._playwright: Any = None
        self._no_way_out: BrowserProxy | None = None  # for the browser's own requests
        self._browser: Browser | None = None
        self._mark = ""  # an argument that only this browser's process has

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
            raise BrowserUnavailable from error
        executable = find_chromium()
        if not executable:
            raise BrowserUnavailable
        self._playwright = await async_playwright().start()
        self._no_way_out = BrowserProxy(Nothing())
        await self._no_way_out.open()
        self._mark = f"--cofounder-browser={uuid.uuid4().hex}"
        # As root, Chromium refuses to run with its own sandbox.
        is_root = os.geteuid() == 0
        browser: Browser = await self._playwright.chromium.launch(
            executable_path=executable,
            args=[*ARGUMENTS, self._mark, *(["--no-sandbox"] if is_root else [])],
            proxy={"server": self._no_way_out.url, "bypass": NO_BYPASS},
            handle_sigint=False,
            handle_sigterm=False,
        )
        return browser

    def kill(self) -> None:
        """End it at once, as what hangs cannot be closed; the next use begins a new one."""
        for process in memory.processes(self._mark)[:1] if self._mark else ():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    async def memory(self) -> int:
        return await beside(memory.used, self._mark) if self._mark else 0

    async def close(self) -> None:
        browser, playwright, self._browser, self._playwright = self._browser, self._playwright, None, None
        proxy, self._no_way_out = self._no_way_out, None
        if browser is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(browser.close(), CLOSE_SECONDS)
        self.kill()
        if playwright is not None:
            await playwright.stop()
        if proxy is not None:
            await proxy.close()


_browsers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Chromium] = WeakKeyDictionary()


def find_chromium() -> str:
    """The browser's path; empty when there is none."""
    return chromium.find(settings.CHROMIUM)


def _of_this_loop() -> _Chromium:
    return _browsers.setdefault(asyncio.get_running_loop(), _Chromium())


async def close() -> None:
    """Close the browser of this event loop, if one was started."""
    if browser := _browsers.pop(asyncio.get_running_loop(), None):
        await browser.close()


@asynccontextmanager
async def opened(seconds: float) -> AsyncIterator["Browser"]:
    """The browser, for so long at the most.

    Raises `PageDown` when the time is over, or when its pages take too much memory. A browser that hangs, or
    takes too much, is ended; the next use begins a new one.
    """
    ours = _of_this_loop()
    watch: asyncio.Task[None] | None = None
    try:
        async with ours.room:
            with our_errors():
                browser = await ours.running()
                watch = asyncio.create_task(_watch(ours))
                async with asyncio.timeout(seconds):
                    yield browser
    except TimeoutError as error:
        if not await _answers(browser):
            log.warning("browser.hangs")
            ours.kill()
        raise PageDown(f"The page did not answer within {seconds:.0f} s.") from error
    except PageDown as error:
        if watch is not None and watch.done():
            raise PageDown(
                f"The page took more than {MOST_MEMORY // 1_000_000} MB of memory, and the browser was ended."
            ) from error
        raise
    finally:
        if watch is not None:
            watch.cancel()


async def _watch(browser: _Chromium) -> None:
    """Ends when the browser has taken too much memory, after it has ended the browser."""
    used = 0
    while used <= MOST_MEMORY:
        await asyncio.sleep(WATCH_SECONDS)
        used = await browser.memory()
    log.warning("browser.too_much_memory", bytes=used)
    browser.kill()


async def _answers(browser: "Browser") -> bool:
    """Whether the browser itself still works, whatever its pages do."""
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await (await browser.new_context()).close()
    except (TimeoutError, Error):
        return False
    return True


@asynccontextmanager
async def visitor(
    browser: "Browser", proxy: BrowserProxy, size: tuple[int, int], **more: Any
) -> AsyncIterator["BrowserContext"]:
    """A visitor of its own: no cookies of others, and no way out but the proxy."""
    view: Any = {"width": size[0], "height": size[1]}
    context = await browser.new_context(
        viewport=view,
        is_mobile=size[0] < 500,
        service_workers="block",
        accept_downloads=False,
        proxy={"server": proxy.url, "bypass": NO_BYPASS},
        **more,
    )
    try:
        yield context
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(context.close(), CLOSE_SECONDS)


async def go(page: "Page", url: str, proxy: BrowserProxy) -> None:
    """Open an address. Raises `PageLeft` when the page leads elsewhere at once."""
    from playwright.async_api import Error

    try:
        await page.goto(url, wait_until="load", timeout=LOAD_SECONDS * 1000)
    except Error as error:
        if proxy.refused and "ERR_TUNNEL_CONNECTION_FAILED" in error.message:
            raise PageLeft(proxy.refused[-1]) from error
        raise
    await settle(page)


async def settle(page: "Page", seconds: float = QUIET_SECONDS) -> None:
    from playwright.async_api import TimeoutError as StillLoading

    with suppress(StillLoading):
        await page.wait_for_load_state("networkidle", timeout=seconds * 1000)


def must_be_at(page: "Page", url: str, proxy: BrowserProxy) -> None:
    """Raises `PageLeft` unless the page is of the same host and port as the address."""
    if place_of(page.url) != place_of(url):
        # Where a tunnel was refused, the browser shows a page of its own.
        is_error = page.url.startswith("chrome-error:") and proxy.refused
        raise PageLeft(proxy.refused[-1] if is_error else place_of(page.url))


def place_of(url: str) -> str:
    """Host and port of a page's address, or the whole of an address that has none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or PORTS.get(parts.scheme, 0)}" if parts.hostname else url[:200]


def refusals(refused: tuple[str, ...]) -> list[str]:
    """A sentence on the places that a page asked for in vain."""
    places = [place for place in refused if place not in BROWSERS_OWN]
    if not places:
        return []
    return [
        f"The page asks for {', '.join(places)}: refused, since this browser opens nothing but "
        "the app itself. Let the app serve what its pages need."
    ]


@contextmanager
def our_errors() -> Iterator[None]:
    try:
        from playwright.async_api import Error
    except ImportError as error:
        raise BrowserUnavailable from error
    try:
        yield
    except Error as error:
        first = error.message.splitlines()[0]
        if any(sign in error.message for sign in ("net::ERR", "Timeout", "closed", "crashed")):
            raise PageDown(f"The page does not load: {first}") from error
        raise BrowserUnavailable(f"The browser failed: {first}") from error
