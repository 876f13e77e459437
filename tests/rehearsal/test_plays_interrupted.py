"""A play copes with a worker that dies in the middle of a turn, again and again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.loop import INTERRUPTED
from rehearsal.engine import Result, Turn
from rehearsal.play import Library
from rehearsal.play_file import load_library
from rehearsal.state import Note
from tests.rehearsal.sandboxless import Workshop, play_through
from tests.rehearsal.test_plays_content import PROMISES, REHEARSAL, answering, broken, founder, start

pytestmark = pytest.mark.services
REPORTED = {"bash", "edit_file"}
RESUMED = Note("resumed", "The run was interrupted and now goes on. Background commands were stopped.")


class Interrupted(Workshop):
    """Loses the results of each step's first turn for which `hits` is true; then a new owner takes over."""

    def __init__(self, folder: Path, *, ran: bool, told: bool, hits: Callable[[Turn], bool]) -> None:
        super().__init__(folder)
        self.ran, self.told, self.hits = ran, told, hits
        self.met: set[str] = set()

    def perform(self, turn: Turn) -> tuple[Result, ...]:
        if turn.key in self.met or not self.hits(turn):
            return super().perform(turn)
        self.met.add(turn.key)
        if self.ran:
            super().perform(turn)
        self.kill_background()
        results = tuple(
            Result(tool, INTERRUPTED, error=True) if tool in REPORTED else self.act(tool, given)
            for tool, given in turn.calls
        )
        self.news = (RESUMED,) if self.told else ()
        return results


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(REHEARSAL / "plays")


@pytest.fixture
def closing() -> Iterator[list[Workshop]]:
    workshops: list[Workshop] = []
    yield workshops
    for workshop in workshops:
        workshop.close()


def has_lost_calls(turn: Turn) -> bool:
    return any(tool in REPORTED for tool, _ in turn.calls)


def probes(turn: Turn) -> bool:
    return any(tool == "bash" and "PORT" in given["command"] for tool, given in turn.calls)


def expect_kept(workshop: Workshop, steps: list[str]) -> None:
    assert steps[-1] == "main/bye"
    workshop.close()
    start(workshop)
    assert broken(workshop) == {}
    tests = workshop.act("bash", {"command": "python3 -W error -m unittest 2>&1"})
    assert not tests.error, tests.text


@pytest.mark.parametrize("ran", [True, False], ids=["after it ran", "before it ran"])
@pytest.mark.parametrize("project", PROMISES)
def test_every_step_may_be_interrupted_once(
    project: str, ran: bool, library: Library, tmp_path: Path, closing: list[Workshop]
) -> None:
    workshop = Interrupted(tmp_path / "app", ran=ran, told=True, hits=has_lost_calls)
    closing.append(workshop)
    steps = play_through(library.for_project(project), founder(project), workshop, answering())
    assert {"note:" in key for key in workshop.met} == {True, False}
    expect_kept(workshop, steps)


@pytest.mark.parametrize("project", PROMISES)
def test_a_server_that_is_gone_is_started_again_even_when_nobody_said_so(
    project: str, library: Library, tmp_path: Path, closing: list[Workshop]
) -> None:
    workshop = Interrupted(tmp_path / "app", ran=False, told=False, hits=probes)
    closing.append(workshop)
    steps = play_through(library.for_project(project), founder(project), workshop, answering())
    assert "main/why-closed" in steps
    expect_kept(workshop, steps)
