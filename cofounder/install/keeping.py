"""Starts the parts of an install again when they have ended, more and more rarely if they do not last."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from cofounder.install.waiting import Part, StartFailed, begin, end_of

log = structlog.get_logger(__name__)

QUICK_SECONDS = 10.0  # a part that ends sooner did not really start
MANY = 3  # quick ends, or failed starts, in a row after which it is said, once, that it does not last
LONGEST_PAUSE = 60.0


class Restartable(Part, Protocol):
    """A part that can be started again after it has ended. Raises `StartFailed` or `OSError`."""

    def start(self) -> None: ...


@dataclass
class _Record:
    """What happened to a part: since when it runs, when it was last seen alive, and what went wrong."""

    part: Restartable
    started: float
    seen: float
    try_at: float = 0.0
    quick_ends: int = 0
    failures: int = 0  # to start it, since it ended
    is_told: bool = False  # that it keeps ending, which is said once


class Keeper:
    """Looks after parts that run. `look` returns a sentence for each thing worth telling."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: list[_Record] = []

    def add(self, parts: Iterable[Restartable]) -> None:
        now = self._clock()
        self._records += [_Record(part, now, now) for part in parts]

    def look(self) -> list[str]:
        """Start again what has ended."""
        return [said for record in self._records if (said := self._look_at(record))]

    def _look_at(self, record: _Record) -> str:
        now = self._clock()
        if record.part.is_alive():
            record.seen = now
            if record.is_told and now - record.started > QUICK_SECONDS:
                record.is_told = False
                return f"{begin(record.part.name)} is running again."
            return ""
        return self._restart(record, now) if now >= record.try_at else ""

    def _restart(self, record: _Record, now: float) -> str:
        if not record.failures:  # it had run, and ended
            was_quick = record.seen - record.started < QUICK_SECONDS
            record.quick_ends = record.quick_ends + 1 if was_quick else 0
        problem = _try_to_start(record.part)
        record.failures = record.failures + 1 if problem else 0
        record.try_at = now + pause_after(record.quick_ends + record.failures)
        record.started = record.seen = self._clock()
        log.warning(
            "install.restarted",
            part=record.part.name,
            quick_ends=record.quick_ends,
            failures=record.failures,
            problem=problem or None,
        )
        return "" if record.is_told else self._words(record, problem)

    def _words(self, record: _Record, problem: str) -> str:
        name = begin(record.part.name)
        record.is_told = max(record.quick_ends, record.failures) >= MANY
        if record.is_told and problem:
            return f"{name} had ended and cannot be started; it is tried again and again. {problem}"
        if record.is_told:
            return (
                f"{name} keeps ending, and is started again more and more rarely. {end_of(record.part.log)}"
            )
        return "" if problem else f"{name} had ended and was started again."


def pause_after(troubles: int) -> float:
    """Seconds between a start and the next: a second, twice as long each time, at most a minute."""
    return float(min(LONGEST_PAUSE, 2**troubles))


def _try_to_start(part: Restartable) -> str:
    try:
        part.start()
    except (StartFailed, OSError) as error:
        return str(error)
    return ""
