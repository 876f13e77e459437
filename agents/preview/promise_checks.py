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
from jobs.briefs import promise_key
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

    @property
    def verdict(self) -> Verdict:
        if not self.judged:
            return Verdict.NOT_JUDGED
        return Verdict.KEPT if self.ok else Verdict.NOT_KEPT


async def run_checks(
    workspace: Workspace,
    must_have: Sequence[str],
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
    for promise, checks in sorted_by_promise(must_have, declared.checks):
        if not checks and in_rehearsal:
            results.append(CheckResult(promise, "", ok=False, output=NOT_JUDGED, duration_ms=0, judged=False))
        elif not checks:
            missing = f"{declaration.DECLARATION} has no check for this promise."
            results.append(CheckResult(promise, "", ok=False, output=missing, duration_ms=0))
        results += [await _run(workspace, declared.port, check) for check in checks]
    return results


def sorted_by_promise(must_have: Sequence[str], checks: Sequence[Check]) -> list[tuple[str, list[Check]]]:
    """Each promise with its checks, in the brief's order; then the checks declared for anything else."""
    promised = [(promise_key(promise), promise.strip()) for promise in must_have]
    declared = [(promise_key(check.promise), check) for check in checks]
    pairs = [(promise, [check for about, check in declared if about == key]) for key, promise in promised]
    known = {key for key, _ in promised}
    return pairs + [(check.promise, [check]) for key, check in declared if key not in known]


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


async def _walk(workspace: Workspace, port: int, check: Check) -> CheckResult:
    started = time.monotonic()
    try:
        walked = await journeys.run_journey(workspace, workspace.host(port), check.journey)
        ok, output = walked.ok, walked.output
    except browser.BrowserUnavailable as error:
        ok, output = False, f"{error} Without one, a journey cannot be walked: use a command in run instead."
    output = cut_middle(await beside(workspace.redact, output), LONGEST_OUTPUT)
    return CheckResult(check.promise, check.journey, ok, output, _milliseconds_since(started))


async def _run(workspace: Workspace, port: int, check: Check) -> CheckResult:
    if check.journey:
        return await _walk(workspace, port, check)
    env = {"PREVIEW_URL": f"http://localhost:{port}", "PORT": str(port)}
    result = await workspace.run(check.run, timeout=CHECK_SECONDS, env=env)
    output = await beside(workspace.redact, result.output.replace("\0", ""))
    output = cut_middle(output.strip(), LONGEST_OUTPUT)
    if result.timed_out:
        output = f"{output}\nNot finished after {CHECK_SECONDS:.0f} s.".strip()
    elif result.exit_code and not output:
        output = f"It ended with exit code {result.exit_code} and printed nothing."
    return CheckResult(check.promise, check.run, result.exit_code == 0, output, result.duration_ms)


def _milliseconds_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
