"""The output of programs, made fit to read: as a terminal would show it, and not longer than is useful."""

import re
from collections import deque

ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
)
LONGEST_LINE = 600  # characters; a longer line is cut before patterns are tried on it


class Capture:
    """Collects a stream in bounded memory: the first and the last `half` characters."""

    def __init__(self, half: int = 250_000) -> None:
        self._half = half
        self._head: list[str] = []
        self._room = half
        self._tail: deque[str] = deque()
        self._tail_length = 0
        self._dropped = 0

    def add(self, text: str) -> None:
        if self._room:
            self._head.append(text[: self._room])
            text, self._room = text[self._room :], max(self._room - len(text), 0)
        if not text:
            return
        self._tail.append(text)
        self._tail_length += len(text)
        while self._tail_length - len(self._tail[0]) >= self._half:
            dropped = len(self._tail.popleft())
            self._tail_length -= dropped
            self._dropped += dropped

    def text(self) -> str:
        gap = f"\n[… {self._dropped:,} characters left out …]\n" if self._dropped else ""
        return "".join(self._head) + gap + "".join(self._tail)


class Output:
    """Both streams of a command, apart and together in the order of their arrival."""

    def __init__(self) -> None:
        self.stdout, self.stderr, self.both = Capture(), Capture(), Capture()

    def add_stdout(self, text: str) -> None:
        self.stdout.add(text)
        self.both.add(text)

    def add_stderr(self, text: str) -> None:
        self.stderr.add(text)
        self.both.add(text)


def cut_middle(text: str, limit: int) -> str:
    """At most about `limit` characters: whole lines of the beginning and the end, and how much is missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    head, tail = text[:half], text[-half:]
    # A cut between lines is easier to read, where it does not cost a long line.
    head = head[: head.rfind("\n", half * 3 // 4) + 1] or head
    tail = tail[tail.find("\n", 0, half // 4) + 1 :]
    missing = text[len(head) : len(text) - len(tail)]
    lines = missing.count("\n")
    joint = "" if head.endswith("\n") else "\n"
    return f"{head}{joint}[… {len(missing):,} characters ({lines:,} lines) left out …]\n{tail}"


def cut_to_bytes(text: str, limit: int) -> str:
    """The same, for a limit in bytes of UTF-8."""
    length = limit
    shorter = cut_middle(text, length)
    while len(shorter.encode()) > limit and length > 16:
        length = length * 3 // 4
        shorter = cut_middle(text, length)
    return shorter


def as_a_terminal_shows(output: str) -> str:
    """Without colours and cursor movements, and with the last state of lines that were overwritten."""
    plain = ANSI.sub("", output) if "\x1b" in output else output
    if "\r" not in plain:
        return plain
    return "\n".join(map(_last_state, plain.replace("\r\n", "\n").split("\n")))


def _last_state(line: str) -> str:
    """What is left of a line, such as a progress bar, that was overwritten."""
    shown = line.rstrip("\r")
    return line[shown.rfind("\r") + 1 :]


def with_short_lines(text: str, longest: int = LONGEST_LINE) -> str:
    """The text with the middle of its long lines cut out.

    Patterns that look for one thing after another may take time in the square of a line's length.
    """
    if len(text) <= longest:
        return text
    return "\n".join(_shortened(line, longest) for line in text.split("\n"))


def _shortened(line: str, longest: int) -> str:
    if len(line) <= longest:
        return line
    return f"{line[: longest * 3 // 4]} … {line[-(longest // 4) :]}"
