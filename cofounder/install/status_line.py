"""The one line of a terminal that says what an install is waiting for."""

import time
from collections.abc import Callable
from typing import TextIO

AGAIN_SECONDS = 30  # how often a log, which has no line to update, is told that it takes longer


class StatusLine:
    """Updates its line in a terminal. Elsewhere it writes a line for each part, and now and then another."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._clock = clock
        self._what, self._is_closed = "", False
        self._since = self._told_at = 0.0

    def show(self, what: str) -> None:
        if self._is_closed:
            return
        now = self._clock()
        if what != self._what:
            self._what, self._since, self._told_at = what, now, now
            self._write(f"Starting {what}")
        elif self._is_terminal or now - self._told_at >= AGAIN_SECONDS:
            self._told_at = now
            self._write(f"Waiting for {what}, {now - self._since:.0f} s")

    def close(self) -> None:
        """Clear the line for good: what is started again later is said in sentences."""
        if self._is_terminal and self._what and not self._is_closed:
            self._out.write("\r\033[K")
            self._out.flush()
        self._is_closed = True

    def _write(self, text: str) -> None:
        self._out.write(f"\r\033[K{text}" if self._is_terminal else f"{text}\n")
        self._out.flush()
