"""The app the agent builds: its declaration, starting it, and asking whether its page works."""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from agents.capture import cut_middle
from agents.errors import AgentError, NotDone
from agents.layout import STATE
from agents.sandbox import Workspace
from agents.turns import ToolFailure

DECLARATION = "cofounder.json"
LARGEST_DECLARATION = 1_000_000  # bytes
GROUP = "app"  # the app's process groups: they survive a change of epoch
START_SECONDS = 60.0
ASK_SECONDS = 10.0
POLL_SECONDS = 0.2
LARGEST_PAGE = 2_000_000
LOG_CHARACTERS = 2000

# Commands are passed in the environment, which cannot contain NUL.
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")
]


class PreviewError(AgentError):
    """The app cannot be shown."""


class DeclarationError(PreviewError):
    """cofounder.json does not say how the app is started."""


class AppFailed(PreviewError):
    """The app did not start."""


class Check(BaseModel):
    """A command that proves a promise. It is given PREVIEW_URL; exit code 0 means success."""

    promise: Text
    run: Text


class Declaration(BaseModel):
    """cofounder.json: how the app is started, and how its promises are checked."""

    start: Text
    port: int = Field(ge=1024, le=65535)
    checks: list[Check] = Field(default=[], max_length=100)


async def declaration(workspace: Workspace) -> Declaration:
    """Read cofounder.json; `DeclarationError` says what is wrong with it."""
    try:
        entry = await workspace.look(DECLARATION)
        if not entry.kind:
            raise DeclarationError(f"There is no {DECLARATION} in the workspace.")
        if entry.kind != "file" or entry.size > LARGEST_DECLARATION:
            raise DeclarationError(f"{DECLARATION} must be a file of at most {LARGEST_DECLARATION:,} bytes.")
        content = await workspace.read(DECLARATION)
    except (ToolFailure, NotDone, FileNotFoundError) as error:
        raise DeclarationError(f"{DECLARATION} cannot be read: {error}") from error
    try:
        return Declaration.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DeclarationError(f"{DECLARATION}: {place + ': ' if place else ''}{first['msg']}.") from error


async def start_app(workspace: Workspace, declared: Declaration) -> str:
    """Restart the app, wait until it answers from outside, and return its URL.

    Everything else that runs in the sandbox is stopped first: a server the agent left running would occupy
    the port, and the app would seem to work without its declaration. `AppFailed` carries the end of its log.
    """
    await workspace.end_all_groups()
    env = {"PORT": str(declared.port)}
    started = await workspace.run(declared.start, background=True, env=env, kind=GROUP)
    url = workspace.host(declared.port)
    deadline = time.monotonic() + START_SECONDS
    while (await ask(url)).http_status is None:
        if not await _is_starting(workspace, started.group):
            raise AppFailed(
                f"The app exited right after it was started.\n{await _log(workspace, started.group)}"
            )
        if time.monotonic() > deadline:
            raise AppFailed(
                f"The app did not answer on port {declared.port} within {START_SECONDS:.0f} s. "
                f"It must listen on 0.0.0.0.\n{await _log(workspace, started.group)}"
            )
        await asyncio.sleep(POLL_SECONDS)
    return url


async def bring_up(workspace: Workspace) -> tuple[str, "Status"]:
    """Start the app as declared. Returns its URL, "" when it does not start, and its page's status."""
    try:
        url = await start_app(workspace, await declaration(workspace))
    except PreviewError:
        return "", Status.DOWN
    return url, (await ask(url)).status


async def _is_starting(workspace: Workspace, group: str) -> bool:
    """Whether the app is running or about to: its process group is recorded a moment after the start."""
    if await workspace.is_alive(group):
        return True
    await asyncio.sleep(POLL_SECONDS)
    return await workspace.is_alive(group)


async def _log(workspace: Workspace, group: str) -> str:
    log = f"{STATE}/logs/{group}.log".removeprefix("/home/user/")
    tail = await workspace.script('tail -c 20000 "$HOME/$1" 2> /dev/null || true', log)
    return workspace.redact(cut_middle(tail, LOG_CHARACTERS)).strip()


# Asking a page


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
