"""Failed calls as values: their category, whether they were to be expected, and what to do about them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.failures import command_line
from agents.failures.categories import Category, categorise
from agents.failures.signatures import gist, normalise, signature, speaks_of_trouble
from agents.failures.test_output import failing_tests, is_test_run
from agents.turns import ToolCall, ToolResult

MOST_ATTEMPTS = 3
EXCERPT_LIMIT = 500  # characters of an error that are kept

_SLIPS = frozenset(
    # The model's own mistakes, which its next call corrects; the repetition guard stops endless ones.
    {
        *("invalid_input", "unknown_tool", "file_not_found", "not_a_file", "binary_file", "file_too_large"),
        *("passage_not_found", "passage_not_unique", "outside_workspace", "screenshot_unavailable"),
        *("file_changed", "file_not_read", "already_running", "step_failed"),
        *("interrupted", "cut"),  # ours
    }
)
_OWN_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])|\$\{?PREVIEW_URL")
_ANY_URL = re.compile(r"https?://|\$\{?PREVIEW_URL")


@dataclass(frozen=True)
class Failure:
    """A failed call. `targets` is what the call worked on, `approach` is how."""

    category: Category
    text: str  # the lines of the output that describe the failure
    targets: frozenset[str]
    approach: str
    failing: int | None = None  # number of failing tests; None when no tests ran

    @property
    def is_test(self) -> bool:
        """Whether tests ran and failed, rather than something that kept them from running."""
        return bool(self.failing)

    @property
    def excerpt(self) -> str:
        return self.text[:EXCERPT_LIMIT]

    def signature(self, project_id: UUID | str) -> str:
        """The failure's signature; it includes the targets when the text alone says too little."""
        says_little = not normalise(self.text) or self.text.startswith("[Not finished")
        about = f"{' '.join(sorted(self.targets))}: " if says_little else ""
        return signature(project_id, self.category, f"{about}{self.text}")


def failure_of(result: ToolResult) -> Failure:
    """A failed result as a value."""
    output = "\n".join(block["text"] for block in result.content if block["type"] == "text")
    failing, text = failing_tests(output), gist(output)
    return Failure(
        category=_category(result, text, failing),
        text=text,
        targets=_targets(result.call),
        approach=_approach(result.call),
        failing=failing,
    )


def _category(result: ToolResult, text: str, failing: int | None) -> Category:
    """Failing tests, and a 401 or 403 from the app under construction itself, are errors in the code."""
    category = categorise(result.error_type, text)
    if category.is_never_retried and (failing or _requests_only_own_app(result.call)):
        return Category.CODE_ERROR
    return category


def _requests_only_own_app(call: ToolCall) -> bool:
    line = _line(call)
    return bool(_OWN_URL.search(line)) and len(_ANY_URL.findall(line)) == len(_OWN_URL.findall(line))


def _line(call: ToolCall) -> str:
    return str(call.input.get("command", "")) if call.name == "bash" else ""


def _approach(call: ToolCall) -> str:
    if call.name == "bash":
        return command_line.approach(_line(call))
    return f"{call.name} {sorted(call.input.items())!r}"[:2000]


def _targets(call: ToolCall) -> frozenset[str]:
    if call.name == "bash":
        return command_line.targets(_line(call))
    place = call.input.get("path", "") if call.name not in ("take_screenshot", "use_app") else ""
    return frozenset({f"{call.name} {place}".strip()})


def is_expected(call: ToolCall, result: ToolResult) -> bool:
    """Whether a failure is a normal answer rather than a problem.

    Examples: a search without matches, a comparison that differs, a command under `timeout`, a small mistake
    that the model corrects itself. Failing tests are a problem, of which the first run does not count.
    """
    if not result.is_error or result.error_type in _SLIPS:
        return True
    output = "\n".join(block["text"] for block in result.content if block["type"] == "text")
    if failing_tests(output):
        return False
    return call.name == "bash" and _is_an_answer(_line(call), result, output)


def _is_an_answer(line: str, result: ToolResult, output: str) -> bool:
    if result.error_type == "command_failed" and command_line.only_looks(line):
        return True
    parts = command_line.commands(line)
    if not parts:
        return False
    if result.exit_code == 124 and re.search(r"\btimeout\s", line):
        return True
    last, is_quiet = parts[-1], not speaks_of_trouble(output)
    compares = last.program == "git" and {"--exit-code", "--quiet", "--check"} & set(last.words)
    if compares or last.program in ("diff", "cmp"):
        return result.exit_code == 1
    return last.only_looks and result.exit_code == 1 and is_quiet


def proven_by(result: ToolResult) -> frozenset[str]:
    """The targets that this result proves to work."""
    if result.is_error:
        return frozenset()
    line = _line(result.call)
    if not line:
        return _targets(result.call)
    output = "\n".join(block["text"] for block in result.content if block["type"] == "text")
    failing = failing_tests(output)
    if failing is not None and is_test_run(line):
        return (
            frozenset() if failing else command_line.targets(line)
        )  # even if a pipe to a viewer hides the exit code
    return frozenset() if result.call.input.get("background") else command_line.proven(line)


def is_proven(targets: Iterable[str], proven: frozenset[str]) -> bool:
    """Whether all targets are proven to work; running all the tests also proves a run of some of them."""
    return all(
        target in proven or any(target.startswith(f"{wider} ") and is_test_run(wider) for wider in proven)
        for target in targets
    )


def concerns(results: Iterable[ToolResult], watched: Iterable[frozenset[str]] = ()) -> bool:
    """Whether the retry policy must look at these results, given the targets that have failed before."""
    watched = list(watched)
    for result in results:
        if result.is_error and not is_expected(result.call, result):
            return True
        if watched and not result.is_error:
            proven = proven_by(result)
            if any(is_proven(targets, proven) for targets in watched):
                return True
    return False


# What to do


@dataclass(frozen=True)
class Retry:
    """Try again, differently: attempt `attempt` of `of` has failed."""

    attempt: int
    of: int = MOST_ATTEMPTS


@dataclass(frozen=True)
class Escalate:
    """Ask the founder."""

    attempts: int


def decide(category: Category, attempts: int) -> Retry | Escalate:
    """What to do after this many failed attempts, including the current one."""
    if category.is_never_retried or attempts >= MOST_ATTEMPTS:
        return Escalate(attempts)
    return Retry(attempts)
