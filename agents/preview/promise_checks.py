"""Checks whether the app keeps its promises: runs the declared checks, and requests the page from outside."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from agents.beside import beside
from agents.output import cut_middle
from agents.preview import browser, declaration, journeys, probe, screenshots
from agents.preview.declaration import Check, Declaration, DeclarationError
from agents.preview.probe import Status
from agents.sandbox.workspace import Workspace
from jobs import promises
from jobs.promises import Promised
from jobs.verdicts import Verdict

log = structlog.get_logger(__name__)

PAGE = "the page answers"
NOT_JUDGED = "A rehearsal script built this, and it has no check that could tell whether this is kept."
CHECK_SECONDS = 60.0
LONGEST_OUTPUT = 4000


@dataclass(frozen=True)
class CheckResult:
    promise: str
    run: str
    ok: bool
    output: str
    duration_ms: int
    judged: bool = True
    key: str = ""  # of the promise it is about; "" for anything else

    @property
    def verdict(self) -> Verdict:
        if not self.judged:
            return Verdict.NOT_JUDGED
        return Verdict.KEPT if self.ok else Verdict.NOT_KEPT


async def run_checks(
    workspace: Workspace,
    promised: Sequence[Promised],
    declared: Declaration | None = None,
    *,
    in_rehearsal: bool = False,
) -> list[CheckResult]:
    """The results: the page first, then each promise, then any other declared checks.

    A promise without a check fails; `in_rehearsal`, where no model has read it, it is not judged. Without a
    valid declaration there is a single, failed result.
    """
    try:
        declared = declared or await declaration.declaration(workspace)
    except DeclarationError as error:
        return [CheckResult(declaration.DECLARATION, "", ok=False, output=str(error), duration_ms=0)]
    results = [await _page(workspace.host(declared.port))]
    for promise, checks in sorted_by_promise(promised, declared.checks):
        if not checks and in_rehearsal:
            results.append(_unchecked(promise, NOT_JUDGED, judged=False))
        elif not checks:
            results.append(_unchecked(promise, f"{declaration.DECLARATION} has no check for this promise."))
        results += [await _run(workspace, declared.port, promise, check) for check in checks]
    return results


def _unchecked(promise: Promised, why: str, *, judged: bool = True) -> CheckResult:
    return CheckResult(promise.text, "", ok=False, output=why, duration_ms=0, judged=judged, key=promise.key)


def sorted_by_promise(
    promised: Sequence[Promised], checks: Sequence[Check]
) -> list[tuple[Promised, list[Check]]]:
    """Each promise with the checks that name it by key or text, in the brief's order; then the others."""
    about = [(promises.find(promised, check.promise), check) for check in checks]
    pairs = [(promise, [check for found, check in about if found == promise]) for promise in promised]
    return pairs + [(Promised(check.promise), [check]) for found, check in about if found is None]


async def _page(url: str) -> CheckResult:
    started = time.monotonic()
    answer = await probe.ask(url)
    sentences = {
        Status.ANSWERS: f"“{answer.title}”" if answer.title else "It answers.",
        Status.BLANK: "The page is empty.",
        Status.DOWN: f"It answers with an error: HTTP {answer.http_status}."
        if answer.http_status
        else "Nothing answers there.",
    }
    if answer.leads_to:
        sentences[Status.DOWN] = (
            f"It redirects to {answer.leads_to}, which is not a part of the app: nothing follows it there."
        )
    trouble = await _problem_in_browser(url) if answer.drawn_by_script else ""
    is_up = answer.status == Status.ANSWERS and not trouble
    return CheckResult(PAGE, "", is_up, trouble or sentences[answer.status], _milliseconds_since(started))


async def _problem_in_browser(url: str) -> str:
    """What a browser finds wrong with a page drawn by scripts; "" if nothing, or if there is no browser."""
    try:
        shot = await screenshots.take(url)
    except browser.BrowserUnavailable:
        log.warning("checks.not_seen", exc_info=True)
        return ""
    except browser.PageDown as error:
        return str(error)
    if not shot.is_blank:
        return ""
    return "\n".join(["The page stays empty: its scripts show nothing.", *shot.reports])


async def _run(workspace: Workspace, port: int, promise: Promised, check: Check) -> CheckResult:
    started = time.monotonic()
    if check.journey:
        ok, output = await _walk(workspace, port, check.journey)
    else:
        ok, output = await _ask(workspace, port, check.run)
    return CheckResult(
        promise.text,
        check.run or check.journey,
        ok,
        output,
        _milliseconds_since(started),
        key=promise.key,
    )


async def _walk(workspace: Workspace, port: int, journey: str) -> tuple[bool, str]:
    try:
        walked = await journeys.run_journey(workspace, workspace.host(port), journey)
    except browser.BrowserUnavailable as error:
        return False, f"{error} Without one, a journey cannot be walked: use a command in run instead."
    return walked.ok, await _fit(workspace, walked.output)


async def _ask(workspace: Workspace, port: int, command: str) -> tuple[bool, str]:
    env = {"PREVIEW_URL": f"http://localhost:{port}", "PORT": str(port)}
    result = await workspace.run(command, timeout=CHECK_SECONDS, env=env)
    output = await _fit(workspace, result.output)
    if result.timed_out:
        output = f"{output}\nNot finished after {CHECK_SECONDS:.0f} s.".strip()
    elif result.exit_code and not output:
        output = f"It ended with exit code {result.exit_code} and printed nothing."
    return result.exit_code == 0, output


async def _fit(workspace: Workspace, output: str) -> str:
    """Without secrets and NUL, and no longer than the page shows."""
    redacted = await beside(workspace.redact, output.replace("\0", ""))
    return cut_middle(redacted.strip(), LONGEST_OUTPUT)


def _milliseconds_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
