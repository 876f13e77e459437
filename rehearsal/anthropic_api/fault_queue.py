"""Which fault the next request meets: one posted to `/rehearsal/faults`, or one of a play's step."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from rehearsal.fault import HTTP_FAULTS, Fault


class FaultQueue:
    """First in, first out; a fault with `match` waits for a request of that user."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._met: dict[str, int] = {}

    def add(self, faults: Iterable[Fault]) -> None:
        self._waiting.extend(faults)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, user_id: str | None) -> Fault | None:
        """The next fault for a request of this user, if there is one."""
        for n, fault in enumerate(self._waiting):
            if fault.times > 0 and fault.match in (None, user_id):
                self._waiting[n : n + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None

    def take_scripted(self, fault: Fault | None, occasion: str) -> Fault | None:
        """A step's own fault, for the first `times` requests of that step at this point of the play."""
        if fault is None or self._met.get(occasion, 0) >= fault.times:
            return None
        self._met[occasion] = self._met.get(occasion, 0) + 1
        return fault

    def is_first(self, occasion: str) -> bool:
        """Whether nothing was asked for this occasion before."""
        self._met[occasion] = self._met.get(occasion, 0) + 1
        return self._met[occasion] == 1

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]


def is_refusal(fault: Fault | None) -> bool:
    """Whether the request fails with an HTTP status before any answer is sent."""
    return fault is not None and fault.kind in HTTP_FAULTS
