"""What is odd about a turn, told by its stop reason and its content alone."""

import pytest

from agents.odd_turns import NOTES, PATIENCE, Oddity, OddTurns, oddity_of
from agents.turns import Block, Turn, text_block

CALL: Block = {"type": "tool_use", "id": "t1", "name": "bash", "input": {}}


@pytest.mark.parametrize(
    ("content", "stop_reason", "expected"),
    [
        ([CALL], "tool_use", None),
        ([text_block("Done.")], "end_turn", None),
        ([text_block("Done.")], "newer_stop", None),
        ([], "end_turn", Oddity.EMPTY),
        ([text_block("Now.")], "tool_use", Oddity.EMPTY),
        ([CALL], "end_turn", Oddity.NOT_RUN),
        ([CALL], "max_tokens", Oddity.CUT),
        ([], "refusal", Oddity.DECLINED),
    ],
)
def test_each_kind_is_recognised(content: list[Block], stop_reason: str, expected: Oddity | None) -> None:
    assert oddity_of(Turn(content, stop_reason)) == expected


def test_every_kind_has_a_note_and_a_limit() -> None:
    assert set(NOTES) == set(PATIENCE) == set(Oddity)


def test_a_turn_that_is_not_odd_is_told_nothing() -> None:
    turns = OddTurns()
    assert turns.notes_on(Turn([CALL], "tool_use")) == []
    turns.check()
