from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cofounder.install.keeping import LONGEST_PAUSE, MANY, QUICK_SECONDS, Keeper, pause_after
from cofounder.install.waiting import StartFailed


@dataclass
class Helper:
    log: Path
    name: str = "the helper"
    is_up: bool = True
    lasts: bool = True  # whether it stays up once it has been started
    problem: str = ""
    starts: list[float] = field(default_factory=list)
    now: float = 0.0

    def is_alive(self) -> bool:
        return self.is_up

    def movement(self) -> object:
        return None

    def start(self) -> None:
        self.starts.append(self.now)
        if self.problem:
            raise StartFailed(self.problem)
        self.is_up = self.lasts


@pytest.fixture
def helper(tmp_path: Path) -> Helper:
    (tmp_path / "log").write_text("no such thing\n")
    return Helper(tmp_path / "log")


@pytest.fixture
def keeper(helper: Helper) -> Keeper:
    keeper = Keeper(clock=lambda: helper.now)
    keeper.add([helper])
    return keeper


def pass_time(keeper: Keeper, helper: Helper, seconds: float) -> list[str]:
    said = []
    for _ in range(int(seconds * 2)):
        helper.now += 0.5
        said += keeper.look()
    return said


def test_what_has_ended_is_started_again_at_once_and_said(keeper: Keeper, helper: Helper) -> None:
    assert pass_time(keeper, helper, QUICK_SECONDS + 1) == []
    helper.is_up = False

    assert keeper.look() == ["The helper had ended and was started again."]
    assert pass_time(keeper, helper, 60) == []
    assert len(helper.starts) == 1


def test_what_keeps_ending_is_tried_less_and_less_often_and_said_once(keeper: Keeper, helper: Helper) -> None:
    helper.is_up = helper.lasts = False

    said = pass_time(keeper, helper, 1000)

    assert sum("keeps ending" in line for line in said) == 1
    assert "no such thing" in said[-1]
    assert len(said) == MANY
    pauses = [after - before for before, after in zip(helper.starts, helper.starts[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert len(helper.starts) < 25


def test_it_is_said_when_it_lasts_again(keeper: Keeper, helper: Helper) -> None:
    helper.is_up = helper.lasts = False
    pass_time(keeper, helper, 100)
    helper.lasts = True

    assert pass_time(keeper, helper, 100) == ["The helper is running again."]


def test_a_start_that_fails_at_first_is_tried_again_before_anything_is_said(
    keeper: Keeper, helper: Helper
) -> None:
    pass_time(keeper, helper, QUICK_SECONDS + 1)
    helper.is_up, helper.problem = False, "its memory is still in use"
    assert keeper.look() == []
    helper.problem = ""

    assert pass_time(keeper, helper, 5) == ["The helper had ended and was started again."]


def test_a_start_that_goes_on_failing_is_said_with_its_reason(keeper: Keeper, helper: Helper) -> None:
    helper.is_up, helper.problem = False, "The disk is full."

    said = pass_time(keeper, helper, 100)

    assert len(said) == 1
    assert said[0].endswith("The disk is full.")


def test_no_pause_is_longer_than_a_minute() -> None:
    assert [pause_after(ends) for ends in (0, 1, 5, 6, 1000)] == [1, 2, 32, 60, 60]
