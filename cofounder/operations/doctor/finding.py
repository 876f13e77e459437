"""What the doctor found out about one part, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SECONDS = 10  # timeout of each request


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but look at it
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """The result for one part, and, if something is wrong, what to do."""

    part: str
    level: Level
    said: str
    fix: str = ""


def ok(part: str, said: str) -> Finding:
    return Finding(part, Level.OK, said)


def fail(part: str, said: str, fix: str) -> Finding:
    return Finding(part, Level.FAIL, said, fix)


def warn(part: str, said: str, fix: str) -> Finding:
    return Finding(part, Level.WARN, said, fix)


def first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
