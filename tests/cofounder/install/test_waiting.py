import os
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from cofounder.install import waiting
from cofounder.install.waiting import StartFailed, end_of, movement_of, wait_for


@dataclass
class Helper:
    """A part that moves as long as it has movements left."""

    log: Path
    movements: int = 0
    is_dead: bool = False
    name: str = "the helper"
    _moments: "count[int]" = field(default_factory=count)

    def is_alive(self) -> bool:
        return not self.is_dead

    def movement(self) -> object:
        return min(next(self._moments), self.movements)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOVEMENT_SECONDS", 0.0)


def test_what_moves_is_awaited_however_long_it_takes_and_shown(tmp_path: Path) -> None:
    answers = iter([False] * 5 + [True])
    shown: list[str] = []

    wait_for(Helper(tmp_path / "log", movements=100), lambda: next(answers), shown.append, patience=0)

    assert shown == ["the helper"] * 5


def test_what_does_not_move_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\n" + "more\n" * waiting.LAST_LINES + "the last words\n")

    with pytest.raises(StartFailed, match="The helper does not start: nothing has moved") as refusal:
        wait_for(Helper(log), lambda: False, lambda _: None, patience=0)

    assert str(refusal.value).endswith("more\nthe last words")
    assert "first" not in str(refusal.value)


def test_what_has_died_is_not_awaited(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"ended while starting\. It has written nothing to its log"):
        wait_for(Helper(tmp_path / "log", is_dead=True), lambda: False, lambda _: None)


def test_a_log_that_nobody_wrote_is_no_empty_space_after_a_colon(tmp_path: Path) -> None:
    assert not end_of(tmp_path / "log").endswith(":")


def test_a_process_that_works_or_writes_moves_and_one_that_sleeps_does_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import sys\nfor line in sys.stdin: sum(range(int(line))); print(flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None

    def give(work: int) -> tuple[int, int]:
        child.stdin.write(f"{work}\n")  # type: ignore[union-attr]
        child.stdin.flush()  # type: ignore[union-attr]
        child.stdout.readline()  # type: ignore[union-attr]
        return movement_of(os.getsid(child.pid), log)

    before = give(1)
    busy = give(20_000_000)
    assert busy[0] > before[0]
    log.write_text("a line")
    assert movement_of(os.getsid(child.pid), log) == (busy[0], 6)
    child.communicate()
