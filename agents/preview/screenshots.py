"""Screenshots of the app: the worker's browser opens a page and takes its picture."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.beside import beside
from agents.outside.allowances import Allowance, own_app
from agents.outside.browser_proxy import BrowserProxy
from agents.preview import browser
from agents.preview.browser import LOAD_SECONDS, PageDown

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

LARGEST = 200_000  # bytes, of a picture
QUALITIES = (80, 60, 40, 25)
MOST_PROBLEMS = 5
NARROW = 500  # below this width, the page is shown as on a phone
MOST_PIECE = 1_400_000  # pixels, and the most of a side: larger ones are scaled down by the API
LONGEST_SIDE = 1568
MOST_PIECES = 5


@dataclass(frozen=True)
class Screenshot:
    """A WebP image. `problems` are the errors the page's own scripts reported.

    A long page comes in `pieces` too, from the top down, each small enough for the model to read. `height` is
    that of the whole page, of which the pieces show no more than their number allows.
    """

    image: bytes
    width: int
    height: int
    title: str
    is_blank: bool
    problems: tuple[str, ...]
    refused: tuple[str, ...] = ()  # hosts and ports outside of the app
    pieces: tuple[bytes, ...] = ()

    @property
    def reports(self) -> list[str]:
        """What the browser has to say, in sentences."""
        said = [f"The browser reports: {problem}" for problem in self.problems]
        return said + browser.refusals(self.refused)


def viewport(width: int) -> tuple[int, int]:
    """Width and height in pixels: as high as a phone below a width of 500, else as a laptop."""
    return width, 844 if width < NARROW else 800


async def take(url: str, *, width: int = 1280, full_page: bool = False) -> Screenshot:
    """Open the page of an app and take a screenshot. One browser serves the whole event loop.

    The page reaches its own host and port and nothing else. Raises `BrowserUnavailable` without a browser,
    `PageDown` when the page does not load, `PageLeft` when it leads elsewhere.
    """
    try:
        allowance = own_app(url)
    except ValueError as error:
        raise PageDown from error
    return await take_under(allowance, url, width=width, full_page=full_page)


async def take_under(
    allowance: Allowance, url: str, *, width: int = 1280, full_page: bool = False
) -> Screenshot:
    """As `take`, for a page that may reach what the allowance admits."""
    async with browser.opened(LOAD_SECONDS) as running, BrowserProxy(allowance) as proxy:
        return await _look(running, proxy, url, viewport(width), full_page=full_page)


async def _look(
    running: "Browser", proxy: BrowserProxy, url: str, size: tuple[int, int], *, full_page: bool
) -> Screenshot:
    async with browser.visitor(running, proxy, size) as context:
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await browser.go(page, url, proxy)
        png, height = await _picture(page, size, full_page=full_page)
        title = await page.title()
        browser.must_be_at(page, url, proxy)
    image, pieces, is_blank = await beside(_in_pieces, png, piece_height(size[0]))
    told = tuple(problems[:MOST_PROBLEMS])
    return Screenshot(image, size[0], height, title, is_blank, told, tuple(proxy.refused), pieces)


def piece_height(width: int) -> int:
    return min(LONGEST_SIDE, MOST_PIECE // width)


async def _picture(page: "Page", size: tuple[int, int], *, full_page: bool) -> tuple[bytes, int]:
    """The page as PNG, of a bounded height, and how high the whole page is."""
    height: Any = await page.evaluate("document.documentElement.scrollHeight")
    height = max(int(height), size[1])
    if not full_page:
        return await page.screenshot(type="png"), size[1]
    shown = min(height, piece_height(size[0]) * MOST_PIECES)
    clip: Any = {"x": 0, "y": 0, "width": size[0], "height": shown}
    return await page.screenshot(type="png", full_page=True, clip=clip), height


def _in_pieces(png: bytes, height: int) -> tuple[bytes, tuple[bytes, ...], bool]:
    """The image as WebP, whole and in pieces of this height, and whether it is blank."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    extrema: Any = picture.convert("L").getextrema()  # of one band: two numbers
    is_blank = extrema[1] - extrema[0] < 8
    whole = _compressed(picture)
    if picture.height <= height:
        return whole, (whole,), is_blank
    tops = range(0, picture.height, height)
    boxes = [(0, top, picture.width, min(top + height, picture.height)) for top in tops]
    return whole, tuple(_compressed(picture.crop(box)) for box in boxes), is_blank


def to_webp(png: bytes) -> bytes:
    """A picture that is not higher than a screen."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        return _compressed(opened.convert("RGB"))


def _compressed(picture: Any) -> bytes:
    """As WebP, of at most `LARGEST` bytes where possible."""
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality)
        if file.tell() <= LARGEST:
            break
    return file.getvalue()
