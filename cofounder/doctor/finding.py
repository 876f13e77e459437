"""What the doctor found of one part, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SECONDS = 10  # for each answer from outside


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but look at it
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was found of one part, and, where it is not well, what to do."""

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
