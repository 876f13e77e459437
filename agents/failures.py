"""Failures as values: what makes two of them the same, what kind they are, and what to do about them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from agents import shell
from agents.categories import Category, categorise
from agents.testruns import failing_tests, is_test_run
from agents.tools.bash import as_a_terminal_shows
from agents.turns import ToolCall, ToolResult

__all__ = [
    "Category",
    "Escalate",
    "Failure",
    "Retry",
    "categorise",
    "concerns",
    "decide",
    "failing_tests",
    "failure_of",
    "gist",
    "is_expected",
    "normalise",
    "proven_by",
    "signature",
]

MOST_ATTEMPTS = 3
EXCERPT_LIMIT = 500  # characters of an error that are kept
MOST_LINES = 12  # of an output that tell what went wrong

# The same failure

_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_DATE = rf"\d{{4}}[-/]\d{{2}}[-/]\d{{2}}(?:[T ]{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?)?"
_LOG_DATE = (
    r"\b\d{1,2}/\w{3}/\d{4}(?::\d{2}){3}(?: [+-]\d{4})?"
    rf"|\b\w{{3}} \w{{3}} +\d+ {_CLOCK}(?: \w+)?(?: \d{{4}})?"
)
_FILE_TYPES = (
    "py|js|mjs|cjs|ts|tsx|jsx|vue|svelte|rb|go|rs|c|cc|cpp|h|hpp|java|kt|php|css|scss|html|json|toml|yaml|yml|sh|sql|"
    "db|sqlite3?|txt|lock|cfg|ini|log|md|csv|env"
)
_REPLACEMENTS = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (_UUID, "<id>"),
        # The one number that says what happened.
        (r"\b(returned error:|HTTP(?:/[\d.]+)?|[Ss]tatus(?: code)?:?|Error code:) ([1-5]\d\d)\b", r"\1 S\2"),
        (rf"\[?(?:{_DATE}|{_LOG_DATE})\]?", "<time>"),
        (rf"(?<![\w.:]){_CLOCK}(?:\.\d+)?(?![\w:])(?=[\s\],]|$)", "<time>"),
        (
            r"\b([a-z][a-z0-9+.-]*)://(?:[^\s/@'\"]+@)?\[?([\w.-]+|::1)\]?(?::\d+)?(?:[/?#][^\s'\"<>)\],]*)?",
            r"\1 \2",
        ),
        (r"(?<![\w.])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?)(?::\d+)?(?![\w.:])", "<here>"),
        # A scoped package (@name/part) and a module named by its domain are names, not places.
        (r"(?<![\w@./\\>-])(?:[A-Za-z]:)?\\(?:[\w .-]+\\)*[\w.-]+", "<path>"),
        (
            r"(?<![\w@>./-])(?!@)(?![\w-]+\.(?:com|org|io|net|dev|in)/)"
            r"(?:~|\.{1,2}|[\w.+-]+)?(?:/[\w.@+~%=-]+)+/?(?:::)?(?:[:(]\d+(?:[:,]\d+)*\)?)?",
            "<path>",
        ),
        (
            rf"(?<![\w@./>-])[\w-]+\.(?:{_FILE_TYPES})\b(?!\s+is\b|[\w(.])(?:::)?(?:[:(]\d+(?:[:,]\d+)*\)?)?",
            "<path>",
        ),
        (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{7,64}\b", "<hex>"),
        (r"\btmp[._-]?(?=\w*[\d_])\w{5,}\b|\btmp[a-z]{8}\b", "<temp>"),
        (r"(?<![A-Za-z0-9_.])v?\d+(?:\.\d+)+(?:[-+.]?(?:a|b|rc|alpha|beta|dev|post|canary)[\w.+-]*)?", "<n>"),
        (r"(?<=[A-Za-z])\d+(?:\.\d+)+", "<n>"),
        (r"(?<=_)\d{3,}\b", "<n>"),
        (
            r"(?<![A-Za-z_\d])\d+(?:[.,]\d+)*(?:\s?(?:ms|[µn]s|min|s|m|h|[kKMG]i?B|B|%))?(?![A-Za-z_\d])",
            "<n>",
        ),
        (r"(?<![A-Za-z_\d])\d+", "<n>"),
        (r"(?:<n>[ ,]*){2,}", "<n> "),
        (r"[ \t]*\(<n>\)[ \t]*$", ""),
        (r"[ \t]+", " "),
    )
)


def normalise(message: str) -> str:
    """The message without what changes between two occurrences of the same failure."""
    lines = (_normal_line(line) for line in as_a_terminal_shows(message).splitlines())
    return "\n".join(line for line in lines if line)


def _normal_line(line: str) -> str:
    for pattern, new in _REPLACEMENTS:
        line = pattern.sub(new, line)
    return line.strip()


def signature(project_id: UUID | str, error_type: str, message: str) -> str:
    """`{project_id}:{error_type}:{hash}`, equal for the same failure at another time and place."""
    digest = sha256(normalise(gist(message)).encode()).hexdigest()[:16]
    return f"{project_id}:{error_type}:{digest}"


# What tells the failure, out of everything that was printed

_EXIT = re.compile(r"^\[exit -?\d+\]$")
_FRAME = re.compile(
    r"^\s*(?:File \".*\", line \d+|at .+[:(].*\d|\d+: +0x|from .+:\d+:in\b|\^+\s*$|[~^|\s]+$|>?\s*\d* \|)"
)
_CARETS = re.compile(r"^[\s|>]*[\^~][\s^~]*$")
_NOISE = re.compile(
    r"npm (?:ERR!|error) (?:A complete log|errno\b|path\b|command\b|gyp info|syscall\b|\s*$|This is probably)"
    r"|^\[?notice\]?|\bTraceback \(most recent call last\)|^During handling of|^The above exception"
    r"|^npm (?:ERR!|error)\s+\S+\.log$|^Node\.js v|^\s*(?:throw (?:err|new)\b|raise\b)"
    r"|^-+ Captured|^note: |^hint: |\bnpm-debug\.log\b",
    re.IGNORECASE,
)
_TEST_LINE = re.compile(
    r"^(?:FAILED|ERROR) \S|^(?:FAIL|ERROR): |^\s*● |^\s*[✕✗\u00d7✖] |^\s*--- FAIL|^test .+ \.\.\. FAILED"
    r"|^\s*not ok \d|^\s+\d+\) \S|^rspec \S|^\s*FAIL\s+\S"
)
_TEST_REASON = re.compile(r"^\s*(?:E\s+)?(?:[\w.]*(?:Error|Exception|Failure)\b|expect\(|thread '.*panicked)")
_EXCEPTION = re.compile(
    r"^(?:Uncaught |Error: |E\s+|\S+: )?(?:[A-Za-z_]\w*(?:\.|::))*[A-Z]\w*(?:Error|Exception|Exit|"
    r"Interrupt|Expired|Failed|Denied|Warning|NotFound|Configured)\b(?: \[\w+\])?(?::|$)"
    r"|^(?:[a-z_]\w*\.)+[A-Z]\w*(?::|$)"
)
_ERROR = re.compile(
    r"(?i)\b(?:error|fatal|failed|failure|failing|fail|cannot|can't|can not|could not|couldn't|"
    r"unable to|denied|refused|not found|no such|undefined|unexpected|missing|invalid|unauthori[sz]ed|forbidden"
    r"|timed out|killed|panic(?:ked)?|exception|not defined|aborted|conflict|unknown|unresolved|not finished after|does not exist"
    r"|too many requests|"
    r"rate limit|out of memory|in use|no space|segmentation fault"
    r"|err!)\b|err!|\bE[A-Z]{4,}\b|\b(?:401|403|429)\b"
)


def gist(message: str) -> str:
    """The lines that tell what went wrong; the last ones when none stands out."""
    lines = _telling_lines(as_a_terminal_shows(message))
    tests = [line for line in lines if _TEST_LINE.match(line)] if failing_tests(message) else []
    if tests:
        chosen = sorted({*tests, *(line for line in lines if _TEST_REASON.match(line))}, key=normalise)
    else:
        errors = [line for line in lines if _EXCEPTION.match(line) or _ERROR.search(line)]
        chosen = errors or lines[-3:]
    return "\n".join(_distinct(chosen)[:MOST_LINES])


def _telling_lines(output: str) -> list[str]:
    """Without traces, quoted source, a package manager's epilogue, and our own last line."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    kept = []
    after_frame = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        is_source = (after_frame and line[:1].isspace()) or _CARETS.match(following)
        after_frame = line.lstrip().startswith('File "')
        if not (is_source or _FRAME.match(line) or _NOISE.search(line) or _EXIT.match(line)):
            kept.append(line)
    return kept


def _distinct(lines: Iterable[str]) -> list[str]:
    return list({normalise(line): line.strip() for line in lines}.values())


# A call that failed

_SLIPS = frozenset(
    # The model's own, which its next call mends; the guard against repetition ends them.
    {
        *("invalid_input", "unknown_tool", "file_not_found", "not_a_file", "binary_file", "file_too_large"),
        *("passage_not_found", "passage_not_unique", "outside_workspace", "screenshot_unavailable"),
        *("interrupted", "cut"),  # ours
    }
)
_NO_SUCH_LINE = re.compile(r"(?im)^.*\b(?:no such file|not found|syntax error|invalid option|usage:)")
_OWN_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])|\$\{?PREVIEW_URL")
_ANY_URL = re.compile(r"https?://|\$\{?PREVIEW_URL")


@dataclass(frozen=True)
class Failure:
    """What a failed call means. `targets` are what it was about, `approach` is how it went about it."""

    category: Category
    text: str  # the lines that tell it
    targets: frozenset[str]
    approach: str
    failing: int | None = None  # tests

    @property
    def is_test(self) -> bool:
        """Whether tests ran and failed, rather than something that kept them from running."""
        return bool(self.failing)

    @property
    def excerpt(self) -> str:
        return self.text[:EXCERPT_LIMIT]

    def signature(self, project_id: UUID | str) -> str:
        """Where the text says too little, what was attempted belongs to it."""
        says_little = not normalise(self.text) or self.text.startswith("[Not finished")
        about = " ".join(sorted(self.targets)) if says_little else ""
        return signature(project_id, self.category, f"{self.text}\n{about}" if about else self.text)


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
    """Failing tests, and an app under construction that refuses a visitor, are a matter of the code."""
    category = categorise(result.error_type, text)
    if category.is_never_retried and (failing or _asks_itself(result.call)):
        return Category.CODE_ERROR
    return category


def _asks_itself(call: ToolCall) -> bool:
    line = _line(call)
    return bool(_OWN_URL.search(line)) and len(_ANY_URL.findall(line)) == len(_OWN_URL.findall(line))


def _line(call: ToolCall) -> str:
    return str(call.input.get("command", "")) if call.name == "bash" else ""


def _approach(call: ToolCall) -> str:
    if call.name == "bash":
        return shell.approach(_line(call))
    return f"{call.name} {sorted(call.input.items())!r}"[:2000]


def _targets(call: ToolCall) -> frozenset[str]:
    if call.name == "bash":
        return shell.targets(_line(call))
    place = call.input.get("path", "") if call.name != "take_screenshot" else ""
    return frozenset({f"{call.name} {place}".strip()})


def is_expected(call: ToolCall, result: ToolResult, *, is_known: bool = False) -> bool:
    """Whether a failure is an answer rather than trouble.

    Looking for what is not there, a comparison that differs, a trial that was to be cut short, a slip which
    the model mends itself. Failing tests are part of the work until the same failure outlives a change:
    then it `is_known`.
    """
    if not result.is_error or result.error_type in _SLIPS:
        return True
    output = "\n".join(block["text"] for block in result.content if block["type"] == "text")
    if failing_tests(output):
        return not is_known
    return call.name == "bash" and _is_an_answer(_line(call), result, output)


def _is_an_answer(line: str, result: ToolResult, output: str) -> bool:
    if result.error_type == "command_failed" and shell.only_looks(line):
        return True
    parts = shell.commands(line)
    if not parts:
        return False
    if result.exit_code == 124 and re.search(r"\btimeout\s", line):
        return True
    last, is_quiet = parts[-1], not _ERROR.search(_without_exit(output))
    compares = last.program == "git" and {"--exit-code", "--quiet", "--check"} & set(last.words)
    if compares or last.program in ("diff", "cmp"):
        return result.exit_code == 1
    return last.only_looks and result.exit_code == 1 and is_quiet


def _without_exit(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if not _EXIT.match(line))


def proven_by(result: ToolResult) -> frozenset[str]:
    """The targets that this result shows to work."""
    if result.is_error:
        return frozenset()
    line = _line(result.call)
    if not line:
        return _targets(result.call)
    output = "\n".join(block["text"] for block in result.content if block["type"] == "text")
    failing = failing_tests(output)
    if failing is not None and is_test_run(line):
        return frozenset() if failing else shell.targets(line)  # also where a viewer hides the exit
    return frozenset() if result.call.input.get("background") else shell.proven(line)


def is_proven(targets: Iterable[str], proven: frozenset[str]) -> bool:
    """Whether all of it works now; a run of all the tests covers a run of some."""
    return all(
        target in proven or any(target.startswith(f"{wider} ") and is_test_run(wider) for wider in proven)
        for target in targets
    )


def concerns(results: Iterable[ToolResult], watched: Iterable[frozenset[str]] = ()) -> bool:
    """Whether these results are of interest to the retry policy, where these targets have failed before."""
    watched = list(watched)
    for result in results:
        if result.is_error and not is_expected(result.call, result, is_known=True):
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
    """What follows the failure of this many attempts, this one counted."""
    if category.is_never_retried or attempts >= MOST_ATTEMPTS:
        return Escalate(attempts)
    return Retry(attempts)
