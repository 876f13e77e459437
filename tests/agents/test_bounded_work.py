"""What others wrote is read in bounded time: twice the input takes at most two and a half times the work."""

import base64
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from agents.failures import (
    categories,
    command_line,
    plain_english,
    services,
    signatures,
    test_output,
    tried,
)
from agents.failures.categories import Category
from agents.failures.failure import Failure
from agents.line_diff import unified_diff
from agents.output import as_a_terminal_shows, cut_middle, cut_to_bytes
from agents.sandbox.redaction import Redactor
from agents.snapshots import manifest
from agents.tools import edit_file, glob, read_file
from agents.turns import ToolCall
from cofounder.pages import markup

Work = Callable[[int], Any]  # prepares an input of this size; calling the result is the work
MOST_GROWTH = 2.5
UNMEASURABLE = 0.01  # seconds: what is faster than this at the larger size is fast enough
RANDOM = random.Random(15)


def text_work(function: Callable[[str], Any], piece: str) -> Work:
    def prepare(size: int) -> Callable[[], Any]:
        text = piece * (size // len(piece)) + "!"
        return lambda: function(text)

    return prepare


def doing(line: str) -> str:
    call = ToolCall("id", "bash", {"command": line})
    return tried.doing(call) + tried.setting(call) + services.service_of(line, line)


def came_back(text: str) -> str:
    return plain_english.came_back(Failure(Category.CODE_ERROR, signatures.gist(text), frozenset(), ""))


def globbed(pattern: str, piece: str) -> Work:
    def prepare(size: int) -> Callable[[], Any]:
        listed = (piece * 20 + "x\0") * (size // (20 * len(piece)))
        return lambda: glob.matching(glob.matcher(pattern), listed)

    return prepare


def redacted(size: int) -> Callable[[], Any]:
    secrets = [base64.b64encode(RANDOM.randbytes(3000)).decode() for _ in range(40)]
    redact = Redactor(secrets)
    text = base64.b64encode(RANDOM.randbytes(size)).decode() + secrets[0][:-1]
    return lambda: redact(text)


def compared(lines: Callable[[int], str]) -> Work:
    def prepare(size: int) -> Callable[[], Any]:
        before, after = [lines(at) for at in range(size)], [lines(at) for at in range(size)]
        return lambda: list(unified_diff(before, after, "a", "b"))

    return prepare


def edited(size: int) -> Callable[[], Any]:
    args = edit_file.EditFile(path="a", old_string="x", new_string="y\nz", replace_all=True)
    return lambda: edit_file.edited("x w\nx\n" * size, args)


def read(size: int) -> Callable[[], Any]:
    return lambda: read_file.part_of("a\n" * size, read_file.ReadFile(path="a", offset=0))


def listed(size: int) -> Callable[[], Any]:
    found = b"".join(b"f\x00644\x001.5\x003\x00\x00a/b/%d\x00" % number for number in range(size))
    sums = b"".join(b"%064d *./a/b/%d\x00" % (number, number) for number in range(size))

    def work() -> None:
        files = manifest.parse(found, sums)
        manifest.to_restore(files, files)
        manifest.agreed(files, files)

    return work


PIECES = {
    "letters": "a",
    "capitals": "A_",
    "carriage returns": "a\r",
    "colour codes": "\x1b[",
    "titles": "\x1b]",
    "spaces": " ",
    "paths": "./a/",
    "numbers": "1.",
    "clocks": "1:23",
    "names of errors": "ErrorA",
    "quotes": "'a[",
    "keys": "API_KEY ",
    "lines": "a b:1\n",
    "blank lines": " \n",
    "errors": "npm ERR! missing KEY_ E2BIG\n",
    "tests": "= 1 failed in 1s",
    "failed tests": "--- FAIL: a/b\n",
    "marks": "**a`",
}
READERS: dict[str, tuple[Callable[[str], Any], int]] = {
    "terminal": (as_a_terminal_shows, 200_000),
    "cut": (lambda text: cut_to_bytes(cut_middle(text, 100_000), 4_000), 500_000),
    "category": (lambda text: categories.categorise("command_failed", text), 30_000),
    "signature": (lambda text: signatures.signature("p", "code_error", text), 30_000),
    "trouble": (signatures.speaks_of_trouble, 60_000),
    "tests": (test_output.failing_tests, 60_000),
    "what came back": (came_back, 60_000),
    "markup": (markup.to_html, 60_000),
}
COMMANDS = (
    "a",
    "cat <<A\n",
    "a=1 ",
    "sudo ",
    "'a@1\n",
    "> ",
    "a && ",
    "pip install a==1 ",
    "curl http://a/ ",
)
WORKS: dict[str, tuple[Work, int]] = {
    **{
        f"{reader}: {name}": (text_work(function, piece), size)
        for reader, (function, size) in READERS.items()
        for name, piece in PIECES.items()
    },
    **{f"commands: {piece!r}": (text_work(command_line.targets, piece), 15_000) for piece in COMMANDS},
    **{f"approach: {piece!r}": (text_work(command_line.approach, piece), 15_000) for piece in COMMANDS},
    **{f"what was done: {piece!r}": (text_work(doing, piece), 15_000) for piece in COMMANDS},
    "glob: many levels": (globbed("**/" * 12 + "y", "a/"), 30_000),
    "glob: many stars": (globbed("*a" * 20 + "y", "a"), 30_000),
    "redaction": (redacted, 100_000),
    "diff: few words": (compared(lambda at: RANDOM.choice("abcdefgh")), 10_000),
    "diff: moved lines": (compared(lambda at: str(RANDOM.randrange(5_000))), 10_000),
    "diff: one word": (compared(lambda at: "x" if at % 7 else str(RANDOM.random())), 10_000),
    "edit": (edited, 10_000),
    "read": (read, 100_000),
    "manifest": (listed, 5_000),
}


def seconds(work: Callable[[], Any], runs: int) -> float:
    """The least CPU time of a few runs: other processes can only make it longer."""
    times = []
    for _ in range(runs):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


@pytest.mark.parametrize("name", WORKS)
def test_twice_the_input_is_at_most_two_and_a_half_times_the_work(name: str) -> None:
    prepare, size = WORKS[name]
    once, twice = prepare(size), prepare(2 * size)
    for runs in (2, 5, 15):  # measured again before it counts as too slow
        shorter, longer = seconds(once, runs), seconds(twice, runs)
        if longer <= max(MOST_GROWTH * shorter, UNMEASURABLE):
            return
    pytest.fail(f"{name}: {shorter * 1000:.1f} ms, and {longer * 1000:.1f} ms for twice as much")
