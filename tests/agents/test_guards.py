from typing import Any

import pytest

from agents.guards import Guards
from agents.stops import CapReached, GoingInCircles
from agents.turns import ToolCall


def call(name: str = "bash", **inputs: Any) -> ToolCall:
    return ToolCall("t", name, inputs)


def test_the_third_equal_call_of_ten_is_steered_once() -> None:
    guards = Guards(150)
    notes = [guards.notes_on([call(command="make")]) for _ in range(3)]
    assert [len(some) for some in notes] == [0, 0, 1]
    assert '<note kind="steer">' in notes[2][0]["text"]
    guards.check()


def test_circles_after_the_steer_stop_the_stretch() -> None:
    guards = Guards(150)
    for _ in range(6):
        guards.notes_on([call(command="make")])
    with pytest.raises(GoingInCircles):
        guards.check()


def test_different_calls_are_no_repetition() -> None:
    guards = Guards(150)
    assert not any(guards.notes_on([call(command=f"make {number}")]) for number in range(20))


def test_the_cap_stops_the_stretch() -> None:
    guards = Guards(3)
    guards.notes_on([call(command=str(number)) for number in range(3)])
    with pytest.raises(CapReached):
        guards.check()


def test_a_new_phase_begins_a_new_stretch() -> None:
    guards = Guards(3, used=2)
    guards.notes_on([call("narrate", message="On to the list.", phase_name="The list")])
    guards.check()
    assert guards.used == 0
