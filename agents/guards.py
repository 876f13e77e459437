"""Guards against an agent that goes in circles: repeated calls, and the cap on tool calls."""

import json
from collections import Counter, deque
from collections.abc import Sequence

from agents.stops import CapReached, GoingInCircles
from agents.turns import Block, ToolCall, note

WINDOW = 10  # recent calls that are compared
STRIKES = 3  # equal calls within the window


class Guards:
    """Counts recent calls. Three equal ones: a note to the model; three again: the run stops.

    `cap` limits the tool calls of a phase, `used` is how many it has had.
    """

    def __init__(self, cap: int, used: int = 0) -> None:
        self.cap = cap
        self.used = used
        self._recent: deque[str] = deque(maxlen=WINDOW)
        self._steered = False
        self._strike = False

    def notes_on(self, calls: Sequence[ToolCall]) -> list[Block]:
        """Count these calls; returns a note to the model the first time one is repeated too often."""
        if not calls:
            return []
        self.used = 0 if any(map(_begins_phase, calls)) else self.used + len(calls)
        self._recent.extend(_fingerprint(call) for call in calls)
        call, times = Counter(self._recent).most_common(1)[0]
        self._strike = times >= STRIKES
        if not self._strike or self._steered:
            return []
        self._steered, self._strike = True, False
        self._recent.clear()
        return [note("steer", _STEER.format(call=call[:500]))]

    def begin_anew(self) -> None:
        """Start counting again: the founder has answered."""
        self.used, self._strike, self._steered = 0, False, False
        self._recent.clear()

    def check(self) -> None:
        """Raise `GoingInCircles` or `CapReached` at a limit. To be called once the results are saved."""
        if self._strike:
            raise GoingInCircles
        if self.used >= self.cap:
            raise CapReached


_STEER = (
    "You have made this call three times in your last ten: {call}\n"
    "Its result will not change by repeating it. Find out why it fails and try a different way, "
    "or ask the founder if only they can help."
)


def _begins_phase(call: ToolCall) -> bool:
    return call.name == "narrate" and bool(call.input.get("phase_name"))


def _fingerprint(call: ToolCall) -> str:
    return f"{call.name} {json.dumps(call.input, sort_keys=True)}"
