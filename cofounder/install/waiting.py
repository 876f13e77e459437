"""Waits for a part of the install for as long as something in it moves, and tells what it waits for."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

PATIENCE_SECONDS = 120.0  # without a sign of life; a busy machine gives every process its turn sooner
LOOK_SECONDS = 0.05
MOVEMENT_SECONDS = 1.0  # reading the process table more often would slow down what is waited for
LAST_LINES = 10

Show = Callable[[str], None]  # called again and again with what is being waited for


class StartFailed(Exception):
    """The install could not be started."""


class Part(Protocol):
    """A part of the install that runs beside us."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    def is_alive(self) -> bool: ...

    def movement(self) -> object:
        """A value that changes while the part does something."""


def wait_for(
    part: Part, is_ready: Callable[[], bool], show: Show, patience: float = PATIENCE_SECONDS
) -> None:
    """Wait until the part is ready. Raises `StartFailed` when it has died, or not moved for `patience`."""
    seen, moved_at, look_at = None, time.monotonic(), 0.0
    while not is_ready():
        if not part.is_alive():
            raise StartFailed(f"{begin(part.name)} ended while starting. {end_of(part.log)}")
        if time.monotonic() >= look_at:
            show(part.name)
            moment = part.movement()
            if moment != seen:
                seen, moved_at = moment, time.monotonic()
            elif time.monotonic() - moved_at > patience:
                raise StartFailed(
                    f"{begin(part.name)} does not start: nothing has moved for {patience:.0f} s. "
                    f"{end_of(part.log)}"
                )
            look_at = time.monotonic() + MOVEMENT_SECONDS
        time.sleep(LOOK_SECONDS)


def begin(name: str) -> str:
    """A part's name at the beginning of a sentence."""
    return name[:1].upper() + name[1:]


def end_of(log: Path) -> str:
    """The last lines of a part's log, as the end of a sentence about it."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    if not lines:
        return f"It has written nothing to its log, {log}."
    return "\n".join([f"The end of its log, {log}:", *lines[-LAST_LINES:]])


def movement_of(session: int, log: Path) -> tuple[int, int]:
    """The processor time that the processes of a session have used, and the size of their log."""
    return ticks_of(lambda _, of: of == session), size_of(log)


def ticks_of(is_counted: Callable[[int, int], bool]) -> int:
    """The processor time of the processes whose id and session are counted, with their ended children's."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            if is_counted(int(stat.parent.name), int(fields[3])):
                ticks += sum(map(int, fields[11:15]))
    return ticks


def size_of(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
