"""Recognises test runs: whether a command is one, and how many tests failed according to its output."""

import re

from agents.failures import command_line
from agents.output import with_short_lines

RUNNERS = frozenset(
    {"pytest", "py.test", "unittest", "jest", "vitest", "mocha", "rspec", "ava", "tox", "nox", "phpunit"}
)
SUBCOMMANDS = frozenset(
    {
        *(
            ("npm", "test"),
            ("npm", "t"),
            ("yarn", "test"),
            ("pnpm", "test"),
            ("bun", "test"),
            ("make", "test"),
        ),
        *(("go", "test"), ("cargo", "test"), ("mix", "test"), ("deno", "test"), ("rails", "test")),
        *(("node", "--test"), ("playwright", "test"), ("make", "check"), ("rake", "test"), ("rake", "spec")),
    }
)

_PYTEST = re.compile(r"^=+ (?=.*\d (?:failed|passed|errors?)\b)(.*) in [\d.]+s.*=+$", re.MULTILINE)
_PYTEST_QUIET = re.compile(r"^(\d+ (?:failed|passed|errors?)\b.*) in [\d.]+s.*$", re.MULTILINE)
_PYTEST_COUNT = re.compile(r"(\d+) (?:failed|errors?)\b")
_UNITTEST_FAILED = re.compile(r"^FAILED \(((?:failures|errors)=\d+.*)\)$", re.MULTILINE)
_UNITTEST_COUNT = re.compile(r"\b(?:failures|errors)=(\d+)")
_UNITTEST_OK = re.compile(r"^Ran \d+ tests? in [\d.]+s\s+OK\b", re.MULTILINE)
_JEST = re.compile(r"^[ \t]*Tests:?[ \t]+(.*\d+ (?:passed|failed|total|todo|skipped).*)$", re.MULTILINE)
_JEST_SUITES = re.compile(r"^[ \t]*Test (?:Suites:|Files)[ \t]+(.*\d+ (?:passed|failed).*)$", re.MULTILINE)
_FAILED_COUNT = re.compile(r"(\d+) failed\b")
_MOCHA = re.compile(r"^[ \t]+(\d+) (passing|failing)\b.*$", re.MULTILINE)
_GO_FAIL = re.compile(r"^[ \t]*--- FAIL: (\S+)", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(ok|FAIL)[ \t]+\S+[ \t]+(?:[\d.]+s|\(cached\)|\[build failed\])", re.MULTILINE)
_CARGO = re.compile(r"^test result: (?:ok|FAILED)\. \d+ passed; (\d+) failed;", re.MULTILINE)
_NODE = re.compile(r"^(?:#|\u2139) fail (\d+)\s*$", re.MULTILINE)
_RSPEC = re.compile(r"^\d+ examples?, (\d+) failures?(?:,.*?(\d+) errors? occurred)?", re.MULTILINE)


def failing_tests(output: str) -> int | None:
    """How many tests failed or could not run; None when this is not the output of a test runner."""
    output = with_short_lines(output)
    for reader in (_pytest, _unittest, _cargo, _node, _rspec, _jest, _mocha, _go):
        count = reader(output)
        if count is not None:
            return count
    return None


def is_test_run(line: str) -> bool:
    """Whether one of the commands runs tests."""
    return any(_is_test(command) for command in command_line.commands(line))


def _is_test(command: command_line.Command) -> bool:
    words = (command.program, *command.words[1:])
    if words[0] in RUNNERS or words[:2] in SUBCOMMANDS:
        return True
    if words[0] in ("npm", "yarn", "pnpm", "bun") and words[1:2] == ("run",):
        return len(words) > 2 and re.match(r"(?:test|spec|e2e)\b", words[2]) is not None
    return "manage.py" in words[:2] and "test" in words[1:3]


def _sum(pattern: re.Pattern[str], texts: list[str]) -> int:
    return sum(int(number) for text in texts for number in pattern.findall(text))


def _pytest(output: str) -> int | None:
    lines = _PYTEST.findall(output) or _PYTEST_QUIET.findall(output)
    return _sum(_PYTEST_COUNT, lines[-1:]) if lines else None


def _unittest(output: str) -> int | None:
    failed = _UNITTEST_FAILED.findall(output)
    if failed:
        return _sum(_UNITTEST_COUNT, failed)
    return 0 if _UNITTEST_OK.search(output) else None


def _jest(output: str) -> int | None:
    """Jest and vitest. Suites that did not start are counted if no single test failed."""
    tests, suites = _JEST.findall(output), _JEST_SUITES.findall(output)
    if not tests and not suites:
        return None
    return _sum(_FAILED_COUNT, tests[-1:]) or _sum(_FAILED_COUNT, suites[-1:])


def _mocha(output: str) -> int | None:
    counts = _MOCHA.findall(output)
    return sum(int(number) for number, verdict in counts if verdict == "failing") if counts else None


def _go(output: str) -> int | None:
    """Go. Of a test and its subtests only the subtests count; a package that did not build counts as one."""
    failed = set(_GO_FAIL.findall(output))
    groups = {name[:at] for name in failed for at, letter in enumerate(name) if letter == "/"}
    packages = [verdict for verdict in _GO_PACKAGE.findall(output) if verdict == "FAIL"]
    if failed or packages:
        return len(failed - groups) or len(packages)
    return 0 if _GO_PACKAGE.search(output) else None


def _cargo(output: str) -> int | None:
    counts = _CARGO.findall(output)
    return sum(map(int, counts)) if counts else None


def _node(output: str) -> int | None:
    counts = _NODE.findall(output)
    return int(counts[-1]) if counts else None


def _rspec(output: str) -> int | None:
    counts = _RSPEC.findall(output)
    return sum(int(number) for number in counts[-1] if number) if counts else None
