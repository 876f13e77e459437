"""Turns that lead nowhere: what the model is told after one, and when it is enough."""

from enum import StrEnum

from agents.stops import ContextFull, ModelDeclined, TooLongAnswers, TurnEnded
from agents.turns import Block, Turn, note


class Oddity(StrEnum):
    CUT = "cut"
    DECLINED = "declined"
    EMPTY = "empty"
    NOT_RUN = "not_run"
    PAUSED = "paused"
    FULL = "full"


# How often in a row the model is told before the run stops; its answer to the last note is one more.
PATIENCE = {
    Oddity.CUT: 3,
    Oddity.DECLINED: 1,
    Oddity.EMPTY: 2,
    Oddity.NOT_RUN: 3,
    Oddity.PAUSED: 10,
    Oddity.FULL: 2,
}
NOTES = {
    Oddity.CUT: "Your answer was too long and was cut off; none of its tool calls was run. "
    "Go on in smaller steps.",
    Oddity.DECLINED: "You declined to answer, and nothing of that answer was kept. All that is asked of you "
    "is the product described at the beginning. Go on with it in a way that you can stand behind. If a part "
    "of it is not right to build, leave that part out and ask the founder with `ask_founder`.",
    Oddity.EMPTY: "Your answer was empty: nothing was said and no tool was called. Go on with the next step. "
    "If the product is finished, say so in a sentence and end your turn.",
    Oddity.NOT_RUN: "Your turn ended before its tool calls, so none of them was run. Make those calls again "
    "that you still need.",
    Oddity.PAUSED: "Go on.",
    Oddity.FULL: "Your answer ended early because the conversation had become too long. "
    "Go on with the next step.",
}
_BY_STOP = {
    "max_tokens": Oddity.CUT,
    "refusal": Oddity.DECLINED,
    "pause_turn": Oddity.PAUSED,
    "model_context_window_exceeded": Oddity.FULL,
}


def oddity_of(turn: Turn) -> Oddity | None:
    """What is odd about a turn; None when its calls are to be run, or it says why it ends."""
    if turn.stop_reason in _BY_STOP:
        return _BY_STOP[turn.stop_reason]
    if turn.requested:
        return None if turn.calls else Oddity.NOT_RUN
    return Oddity.EMPTY if not turn.content or turn.stop_reason == "tool_use" else None


class OddTurns:
    """Counts odd turns of one kind in a row; any other turn begins anew."""

    def __init__(self) -> None:
        self._last: Oddity | None = None
        self._times = 0

    def notes_on(self, turn: Turn) -> list[Block]:
        """Count the turn; returns a note to the model about it while there is still patience."""
        oddity = oddity_of(turn)
        self._times = self._times + 1 if oddity == self._last else 1
        self._last = oddity
        return [note(oddity, NOTES[oddity])] if oddity and self._is_patient() else []

    @property
    def is_full(self) -> bool:
        """Whether the last turn ended because the conversation is too long."""
        return self._last == Oddity.FULL

    def check(self) -> None:
        """Raise what stops the run when it is enough. To be called once the results are saved."""
        if self._last is None or self._is_patient():
            return
        raise {
            Oddity.CUT: TooLongAnswers,
            Oddity.DECLINED: ModelDeclined,
            Oddity.FULL: ContextFull,
        }.get(self._last, TurnEnded)

    def _is_patient(self) -> bool:
        return self._last is not None and self._times <= PATIENCE[self._last]
