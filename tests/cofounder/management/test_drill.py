"""A drill whose build does not continue; `tests/chaos` runs a complete one."""

import pytest

from cofounder.operations.drill.parts import Drill, Failed


def test_a_part_that_fails_ends_the_drill_with_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    drill = Drill.__new__(Drill)
    said: list[str] = []
    drill.say = said.append

    def kill_the_worker() -> str:
        raise Failed("waited 180 s for another worker to take over")

    monkeypatch.setattr(drill, "kill_the_worker", kill_the_worker)

    (result,) = drill.run()

    assert (result.part, result.ok, result.said) == (
        "kill the worker",
        False,
        "waited 180 s for another worker to take over",
    )
