"""Asking the app for a page, and judging the answer."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser

from agents.beside import beside
from agents.outside.allowances import own_app

ASK_SECONDS = 10.0
LARGEST_PAGE = 2_000_000  # bytes
LONGEST_TITLE = 200
STARTING = "starting"  # a status of preview.updated, besides those of a page


class Status(StrEnum):
    ANSWERS = "answers"
    BLANK = "blank"
    DOWN = "down"


@dataclass(frozen=True)
class Answer:
    """How a page answers. `http_status` is None when nothing is listening there.

    When a page is `drawn_by_script`, only a browser can tell whether it shows anything. `leads_to` is the
    address outside of the app that it redirects to; nothing goes there.
    """

    status: Status
    http_status: int | None = None
    title: str = ""
    drawn_by_script: bool = False
    leads_to: str = ""


async def ask(url: str) -> Answer:
    """Request a page of the app as a visitor would; one that cannot be reached is `Status.DOWN`."""
    from agents.outside.fetch import Unreachable, fetch  # the HTTP client: most web processes ask nobody

    try:
        page = await fetch(url, own_app(url), seconds=ASK_SECONDS, largest=LARGEST_PAGE)
    except (Unreachable, ValueError):
        return Answer(Status.DOWN)
    if page.http_status in (502, 503, 504):  # from the proxy in front of the sandbox
        return Answer(Status.DOWN)
    if page.leads_to:
        return Answer(Status.DOWN, page.http_status, leads_to=page.leads_to)
    return await beside(judge, page.http_status, page.content_type, page.body)


def judge(http_status: int, content_type: str, body: str) -> Answer:
    """The status of a response: DOWN for an HTTP error other than 401 and 403, BLANK for an empty page."""
    if http_status >= 400 and http_status not in (401, 403):
        return Answer(Status.DOWN, http_status)
    if "html" not in content_type:
        return Answer(Status.ANSWERS if body.strip() else Status.BLANK, http_status)
    page = _Page()
    page.feed(body)
    page.close()
    drawn_by_script = page.is_blank and page.has_script
    status = Status.BLANK if page.is_blank and not page.has_script else Status.ANSWERS
    return Answer(status, http_status, " ".join(page.title.split())[:LONGEST_TITLE], drawn_by_script)


class _Page(HTMLParser):
    """The title of a page, whether anything on it is visible, and whether it has scripts that may draw."""

    INVISIBLE = frozenset({"script", "style", "template", "noscript", "title"})
    VISIBLE = frozenset(
        {"img", "svg", "canvas", "video", "iframe", "input", "button", "select", "textarea", "object"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.is_blank = True
        self.has_script = False
        self._inside: Counter[str] = Counter()  # how many of each are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.INVISIBLE:
            self._inside[tag] += 1
        self.has_script = self.has_script or tag == "script"
        if tag in self.VISIBLE:
            self.is_blank = False

    def handle_endtag(self, tag: str) -> None:
        if self._inside[tag] > 1:
            self._inside[tag] -= 1
        else:
            del self._inside[tag]

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data[: LONGEST_TITLE * 10 - len(self.title)]
        elif not self._inside and data.strip():
            self.is_blank = False
