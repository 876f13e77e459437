"""Visitors who use the app in the worker's browser, step by step; what they saw, and what it reports."""

import asyncio
import mimetypes
import posixpath
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.beside import beside
from agents.outside.allowances import own_app
from agents.outside.browser_proxy import BrowserProxy
from agents.preview import browser
from agents.preview.browser import PageDown
from agents.preview.screenshots import to_webp, viewport
from agents.preview.steps import Step

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

STEP_SECONDS = 5.0
WAIT_SECONDS = 10.0  # of a wait_for
POLL_SECONDS = 0.1
SETTLE_SECONDS = 1.0
VISIT_SECONDS = 100.0  # of all steps together
MOST_REPORTS = 10
LONGEST_REPORT = 300  # characters
LONGEST_TREE = 8_000  # characters
MOST_NAMED = 40  # elements, where one was not found
MOST_PICTURES = 4
# What a visitor acts on: named where a step does not find its own.
ACTED_ON = re.compile(
    r"^\s*- ((?:button|link|textbox|combobox|checkbox|radio|searchbox|spinbutton|switch|tab|menuitem|option"
    r"|heading)(?: \"(?:[^\"\\]|\\.)*\")?)",
    re.MULTILINE,
)
# Roles that an action is about where none is given, tried in this order before anything with that text.
USUAL_ROLES = {
    "click": ("button", "link", "checkbox", "radio", "tab", "menuitem"),
    "fill": ("textbox", "searchbox", "spinbutton"),
    "select": ("combobox", "listbox"),
}
SILENT = "[The page does not answer: a script of it may never end.]"
ReadFile = Callable[[str], Awaitable[bytes]]


class StepFailed(Exception):
    """A step could not be done; the message says why."""


@dataclass(frozen=True)
class Look:
    """What a visitor saw after a step."""

    step: int
    visitor: str
    address: str
    title: str
    tree: str
    picture: bytes = b""


@dataclass(frozen=True)
class Visit:
    """What came of the steps. `failed` is the number of the step that could not be done, 0 when all were."""

    looks: tuple[Look, ...] = ()
    reports: tuple[str, ...] = ()
    failed: int = 0
    why: str = ""
    kept: dict[str, Any] = field(
        default_factory=dict
    )  # the visitors' cookies and addresses, for their next visit


class _Visitor:
    """One of the visitors: a page, and what the browser says about it."""

    def __init__(self, name: str, page: "Page", at: str) -> None:
        self.name = name
        self.page = page
        self.step = 0  # the last it has done
        self.at = at  # the address it was at before, to be opened again
        self.reports: Counter[str] = Counter()

    def listen(self, page: "Page") -> None:
        self.page = page
        page.on("pageerror", lambda error: self.report(f"error of a script: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)
        page.on("requestfailed", self._not_answered)
        page.on("dialog", self._agree)

    def _said(self, message: Any) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith("/favicon.ico"):
            self.report(f"console: {message.text}")

    def _answered(self, answer: Any) -> None:
        if answer.status >= 400:
            self.report(f"{answer.request.method} {answer.url} answered {answer.status}")

    def _not_answered(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # what the page itself has broken off
            self.report(f"{request.method} {request.url} failed: {request.failure}")

    async def _agree(self, dialog: Any) -> None:
        self.report(f"the page asks “{dialog.message}” ({dialog.type}): agreed")
        await dialog.accept()

    def report(self, text: str) -> None:
        text = " ".join(text.split())[:LONGEST_REPORT]
        if text in self.reports or len(self.reports) < MOST_REPORTS:
            self.reports[text] += 1

    def reported(self) -> list[str]:
        return [
            f"{self.name}: {text}" + (f" ({count} times)" if count > 1 else "")
            for text, count in self.reports.items()
        ]


async def walk(
    base: str, steps: Sequence[Step], read: ReadFile, *, kept: dict[str, Any] | None = None, width: int = 1280
) -> Visit:
    """Do the steps in the app at `base`, as far as they can be done; `read` reads a file to upload.

    Raises `BrowserUnavailable` without a browser, `PageDown` when the app or the browser does not answer.
    """
    unique = uuid.uuid4().hex[:6]
    steps = [step.model_copy(update={"text": step.text.replace("{unique}", unique)}) for step in steps]
    steps = [step.model_copy(update={"name": step.name.replace("{unique}", unique)}) for step in steps]
    try:
        allowance = own_app(base)
    except ValueError as error:
        raise PageDown from error
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(browser.opened(VISIT_SECONDS))
        proxy = await stack.enter_async_context(BrowserProxy(allowance))
        walked = _Walk(base, running, proxy, stack, read, kept or {}, width)
        return await walked.all(steps)


class _Walk:
    def __init__(
        self,
        base: str,
        running: "Browser",
        proxy: BrowserProxy,
        stack: AsyncExitStack,
        read: ReadFile,
        kept: dict[str, Any],
        width: int,
    ) -> None:
        self._base, self._running, self._proxy, self._stack = base, running, proxy, stack
        self._read, self._kept, self._size = read, kept, viewport(width)
        self._visitors: dict[str, _Visitor] = {}
        self._looks: list[Look] = []

    async def all(self, steps: Sequence[Step]) -> Visit:
        failed, why = 0, ""
        for number, step in enumerate(steps, start=1):
            try:
                await self._step(number, step)
            except StepFailed as error:
                failed, why = number, str(error)
                break
        for visitor in self._visitors.values():
            if not any((look.visitor, look.step) == (visitor.name, visitor.step) for look in self._looks):
                self._looks.append(await self._seen(visitor, visitor.step))
        return Visit(tuple(self._looks), tuple(self._reports()), failed, why, await self._to_keep())

    async def _step(self, number: int, step: Step) -> None:
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as NotInTime

        visitor = await self._visitor(step)
        visitor.step = number
        try:
            async with asyncio.timeout(_limit(step)):
                await self._do(visitor, step)
                if step.do in ("click", "press", "select", "upload"):
                    await visitor.page.wait_for_load_state("domcontentloaded", timeout=STEP_SECONDS * 1000)
                    await browser.settle(visitor.page, SETTLE_SECONDS)
            browser.must_be_at(visitor.page, self._base, self._proxy)
        except TimeoutError as error:
            raise StepFailed(SILENT) from error
        except (NotInTime, PageDown) as error:
            first = str(error).splitlines()[0]
            raise StepFailed(f"{first}{await self._instead(visitor)}") from error
        except Error as error:
            if "closed" in error.message or "crashed" in error.message:
                raise
            raise StepFailed(error.message.splitlines()[0]) from error
        if step.do == "look":
            self._looks.append(await self._seen(visitor, number, picture=step.picture))

    async def _visitor(self, step: Step) -> _Visitor:
        """The step's visitor, where they were before; who comes for the first time opens the front page."""
        if step.visitor not in self._visitors:
            before = self._kept.get(step.visitor, {})
            state = before.get("state")
            context = await self._stack.enter_async_context(
                browser.visitor(self._running, self._proxy, self._size, storage_state=state)
            )
            context.set_default_timeout(STEP_SECONDS * 1000)
            visitor = _Visitor(step.visitor, await context.new_page(), before.get("at") or f"{self._base}/")
            visitor.listen(visitor.page)
            context.on("page", visitor.listen)  # a new tab: who opened it looks at it
            self._visitors[step.visitor] = visitor
            if step.do != "open":
                await browser.go(visitor.page, visitor.at, self._proxy)
        return self._visitors[step.visitor]

    async def _do(self, visitor: _Visitor, step: Step) -> None:
        if step.do == "open":
            await browser.go(visitor.page, self._base + "/" + (step.path or "/").lstrip("/"), self._proxy)
        elif step.do == "click":
            await (await _found(visitor, step)).click()
        elif step.do == "fill":
            await (await _found(visitor, step)).fill(step.text)
        elif step.do == "select":
            await (await _found(visitor, step)).select_option(label=step.text)
        elif step.do == "press":
            await _press(visitor, step)
        elif step.do == "upload":
            await self._upload(visitor.page, step)
        elif step.do == "wait_for":
            await _wait(visitor, step)

    async def _upload(self, page: "Page", step: Step) -> None:
        named = page.get_by_label(step.name) if step.name else page.locator("input[type=file]")
        kind = mimetypes.guess_type(step.file)[0] or "application/octet-stream"
        content = await self._read(step.file)
        given: Any = {"name": posixpath.basename(step.file), "mimeType": kind, "buffer": content}
        await named.nth(max(step.number - 1, 0)).set_input_files(given)

    async def _seen(self, visitor: _Visitor, number: int, *, picture: bool = False) -> Look:
        page = visitor.page
        png = b""
        if picture and sum(bool(look.picture) for look in self._looks) < MOST_PICTURES:
            png = await beside(to_webp, await page.screenshot(type="png"))
        address = page.url.removeprefix(self._base)
        tree = await _tree(page)
        title = await page.title() if tree != SILENT else ""
        return Look(number, visitor.name, address, title, _cut(tree), png)

    async def _instead(self, visitor: _Visitor) -> str:
        named = list(dict.fromkeys(ACTED_ON.findall(await _tree(visitor.page))))
        if not named:
            return " There is nothing on the page to act on."
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        return f" On the page there is: {', '.join(named[:MOST_NAMED])}{more}."

    def _reports(self) -> list[str]:
        said = [text for visitor in self._visitors.values() for text in visitor.reported()]
        return said + browser.refusals(tuple(self._proxy.refused))

    async def _to_keep(self) -> dict[str, Any]:
        kept = dict(self._kept)
        for name, visitor in self._visitors.items():
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP_SECONDS):
                    state = await visitor.page.context.storage_state()
                    kept[name] = {"state": state, "at": visitor.page.url}
        return kept


def _limit(step: Step) -> float:
    """Seconds after which a step has failed, whatever it waits for."""
    most = {"open": browser.LOAD_SECONDS, "wait_for": WAIT_SECONDS}.get(step.do, 2 * STEP_SECONDS)
    return most + STEP_SECONDS


async def _press(visitor: _Visitor, step: Step) -> None:
    if step.name or step.role:
        await (await _found(visitor, step)).press(step.text)
    else:
        await visitor.page.keyboard.press(step.text)


async def _wait(visitor: _Visitor, step: Step) -> None:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while bool(await _awaited(visitor.page, step).count()) == step.gone:
        if asyncio.get_running_loop().time() > deadline:
            raise PageDown("It is still on the page." if step.gone else "It did not appear.")
        await asyncio.sleep(POLL_SECONDS)


def _awaited(page: "Page", step: Step) -> "Locator":
    what = _by_role(page, step, step.role) if step.role else page.get_by_text(step.name or step.text)
    if step.role and step.text:
        what = what.filter(has_text=step.text)
    return what.filter(visible=True)


async def _found(visitor: _Visitor, step: Step) -> "Locator":
    """The one element that a step is about. It may still be about to appear, also in a new tab."""
    deadline = asyncio.get_running_loop().time() + STEP_SECONDS
    while True:
        for candidate in _candidates(visitor.page, step):
            count = await candidate.count()
            if count and (count == 1 or step.number):
                return candidate.nth(max(step.number - 1, 0))
            if count > 1:
                raise StepFailed(f"{count} on the page are called “{step.name}”: say which with number.")
        if asyncio.get_running_loop().time() > deadline:
            raise PageDown(f"There is no {step.role or 'such element'} called “{step.name}”.")
        await asyncio.sleep(POLL_SECONDS)


def _candidates(page: "Page", step: Step) -> list["Locator"]:
    """Where to look, in this order: the exact name before a part of it, the usual roles before others."""
    roles = (step.role,) if step.role else USUAL_ROLES.get(step.do, ())
    found = [_by_role(page, step, role, exact=exact) for exact in (True, False) for role in roles]
    if not step.role:
        found += [page.get_by_label(step.name, exact=exact) for exact in (True, False)]
        others = page.get_by_placeholder if step.do in ("fill", "press") else page.get_by_text
        found += [others(step.name, exact=exact) for exact in (True, False)]
    return found


def _by_role(page: "Page", step: Step, role: str, *, exact: bool = False) -> "Locator":
    known: Any = role
    return page.get_by_role(known, name=step.name, exact=exact) if step.name else page.get_by_role(known)


async def _tree(page: "Page") -> str:
    from playwright.async_api import TimeoutError as NotInTime

    try:
        async with asyncio.timeout(STEP_SECONDS):
            return await page.locator("body").aria_snapshot()
    except (TimeoutError, NotInTime):
        return SILENT


def _cut(tree: str) -> str:
    if len(tree) <= LONGEST_TREE:
        return tree
    return tree[: tree.rfind("\n", 0, LONGEST_TREE)] + "\n[the rest of the page is left out]"
