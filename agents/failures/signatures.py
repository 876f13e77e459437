"""Signatures of failures: the lines that describe a failure, without the parts that vary between runs."""

import re
from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from uuid import UUID

from agents.failures.test_output import failing_tests
from agents.output import as_a_terminal_shows, with_short_lines

MOST_LINES = 12  # of an output that describe what went wrong

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
        # The only number that says what happened: it is kept.
        (r"\b(returned error:|HTTP(?:/[\d.]+)?|[Ss]tatus(?: code)?:?|Error code:) ([1-5]\d\d)\b", r"\1 S\2"),
        (rf"\[?(?:{_DATE}|{_LOG_DATE})\]?", "<time>"),
        (rf"(?<![\w.:]){_CLOCK}(?:\.\d+)?(?![\w:])(?=[\s\],]|$)", "<time>"),
        (
            r"\b([a-z][a-z0-9+.-]*)://(?:[^\s/@'\"]+@)?\[?([\w.-]+|::1)\]?(?::\d+)?(?:[/?#][^\s'\"<>)\],]*)?",
            r"\1 \2",
        ),
        (r"(?<![\w.])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?)(?::\d+)?(?![\w.:])", "<here>"),
        # A scoped package (@name/part) and a module named by its domain are names, not paths.
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
    """The message without the parts that vary between two occurrences of the same failure."""
    lines = (_normal_line(line) for line in _lines(message))
    return "\n".join(line for line in lines if line)


def _lines(message: str) -> list[str]:
    return with_short_lines(as_a_terminal_shows(message)).splitlines()


def _normal_line(line: str) -> str:
    for pattern, new in _REPLACEMENTS:
        line = pattern.sub(new, line)
    return line.strip()


def signature(project_id: UUID | str, error_type: str, message: str) -> str:
    """`{project_id}:{error_type}:{hash}`, equal for the same failure at another time and place."""
    digest = sha256(normalise(gist(message)).encode()).hexdigest()[:16]
    return f"{project_id}:{error_type}:{digest}"


# Finding the lines that describe the failure

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
    r"(?i)\b(?:error|fatal|failed|failure|failing|fail|cannot|can't|can not|could not|couldn't|unable to"
    r"|denied|refused|not found|no such|undefined|unexpected|missing|invalid|unauthori[sz]ed|forbidden"
    r"|timed out|killed|panic(?:ked)?|exception|not defined|aborted|conflict|unknown|unresolved"
    r"|not finished after|does not exist|too many requests|rate limit|out of memory|in use|no space"
    r"|segmentation fault|err!)\b|err!|\bE[A-Z]{4,}\b|\b(?:401|403|429)\b"
)


def speaks_of_trouble(output: str) -> bool:
    """Whether any line of an output looks like an error."""
    return any(_ERROR.search(line) for line in _lines(output) if not _EXIT.match(line))


def gist(message: str) -> str:
    """The lines that describe what went wrong; the last three lines if none stands out."""
    lines = _telling_lines(_lines(message))
    tests = [line for line in lines if _TEST_LINE.match(line)] if failing_tests(message) else []
    if tests:
        chosen = sorted({*tests, *(line for line in lines if _TEST_REASON.match(line))}, key=normalise)
    else:
        errors = [line for line in lines if _EXCEPTION.match(line) or _ERROR.search(line)]
        chosen = errors or lines[-3:]
    return "\n".join(_distinct(chosen)[:MOST_LINES])


def _telling_lines(output: Iterable[str]) -> list[str]:
    """The lines without stack traces, quoted source, a package manager's closing lines, and `[exit N]`."""
    lines = [line.rstrip() for line in output if line.strip()]
    kept = []
    after_frame = False
    for line, following in pairwise([*lines, ""]):
        is_source = (after_frame and line[:1].isspace()) or _CARETS.match(following)
        after_frame = line.lstrip().startswith('File "')
        if not (is_source or _FRAME.match(line) or _NOISE.search(line) or _EXIT.match(line)):
            kept.append(line)
    return kept


def _distinct(lines: Iterable[str]) -> list[str]:
    return list({normalise(line): line.strip() for line in lines}.values())
