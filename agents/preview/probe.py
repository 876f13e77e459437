"""Asking the app for a page, and judging the answer."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser

import httpx

ASK_SECONDS = 10.0
LARGEST_PAGE = 2_000_000
STARTING = "starting"  # a status of preview.updated, besides those of a page


class Status(StrEnum):
    ANSWERS = "answers"
    BLANK = "blank"
    DOWN = "down"


@dataclass(frozen=True)
class Answer:
    """How a page answers. `http_status` is None when nothing is listening there.

    When a page is `drawn_by_script`, only a browser can tell whether it shows anything.
    """

    status: Status
    http_status: int | None = None
    title: str = ""
    drawn_by_script: bool = False


async def ask(url: str) -> Answer:
    """Request a page as a visitor would; a page that cannot be reached is `Status.DOWN`."""
    try:
        async with asyncio.timeout(ASK_SECONDS), client() as http, http.stream("GET", url) as response:
            if response.status_code in (502, 503, 504):  # from the proxy in front of the sandbox
                return Answer(Status.DOWN)
            body = await _body(response)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return Answer(Status.DOWN)
    return judge(response.status_code, response.headers.get("content-type", ""), body)


async def _body(response: httpx.Response) -> str:
    parts, length = [], 0
    async for chunk in response.aiter_bytes():
        parts.append(chunk)
        length += len(chunk)
        if length > LARGEST_PAGE:
            break
    return b"".join(parts).decode(response.charset_encoding or "utf-8", errors="replace")


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
    return Answer(status, http_status, " ".join(page.title.split())[:200], drawn_by_script)


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
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.INVISIBLE:
            self._inside.append(tag)
        self.has_script = self.has_script or tag == "script"
        if tag in self.VISIBLE:
            self.is_blank = False

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data
        elif not self._inside and data.strip():
            self.is_blank = False


def client() -> httpx.AsyncClient:
    """An HTTP client that resolves *.localhost to this machine (RFC 6761), as not every resolver does."""
    return httpx.AsyncClient(
        transport=_Loopback(), follow_redirects=True, timeout=ASK_SECONDS, trust_env=False
    )


class _Loopback(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith(".localhost"):
            request.url = request.url.copy_with(host="127.0.0.1")  # the Host header is not changed
        return await super().handle_async_request(request)
