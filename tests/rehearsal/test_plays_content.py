"""The plays build what they promise: played on a folder, their tests pass and every promise is kept."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rehearsal.founder import FounderInput
from rehearsal.play import Library
from rehearsal.play_file import load_library
from rehearsal.state import Note
from tests.rehearsal.sandboxless import Workshop, play_through

REHEARSAL = Path(__file__).parents[2] / "rehearsal"
OWN_BRIEF = json.loads((REHEARSAL / "briefs" / "borrow-shelf.json").read_text())
ALLOWANCE = 2.0
DOLLARS_PER_OUTPUT_TOKEN = 10 / 1_000_000
AWKWARD = [
    'a list with "quotes" and <b>markup</b>',
    "Öffnungszeiten — for everybody 🌱",
    "it's $5 & {{ not }} {% a %} template \\ at all",
]

PROMISES = {
    "Borrow Shelf": OWN_BRIEF["idea_brief"]["must_have"],
    "Fixed Together": [
        "request form with a photo link, item, fault and slot",
        "no more than four requests per slot",
        "volunteer list by skill with one-tap status",
        "a public page with how many things were saved from the bin",
    ],
    "Slow Bread waiting list": [
        "sign-up page that works on any phone",
        "a limit per day",
        "my list for tomorrow, printable",
        "cancel link",
    ],
    "Something Nobody Foresaw": AWKWARD,
}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(REHEARSAL / "plays")


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path)
    yield workshop
    workshop.close()


def founder(project: str, must_have: object = None) -> FounderInput:
    wanted = PROMISES[project] if must_have is None else must_have
    return FounderInput(project, "A first version for next week", {"must_have": wanted})


def decide(decision: str, guidance: str = "") -> Note:
    return Note("answer", json.dumps({"problem": "…", "decision": decision, "guidance": guidance}))


def answer_when_asked(decision: str, guidance: str = "") -> object:
    def notes(turn: int, step: str) -> Sequence[Note]:
        return [decide(decision, guidance)] if step == "main/borrowing" else []

    return notes


def declared(workshop: Workshop) -> dict[str, object]:
    declaration = json.loads((workshop.folder / "cofounder.json").read_text())
    assert (declaration["start"], declaration["port"]) == ("python3 app.py", 8000)
    return declaration


def start_as_declared(workshop: Workshop) -> str:
    workshop.close()
    workshop.start(str(declared(workshop)["start"]).split())
    return workshop.wait_for_page()


def broken(workshop: Workshop) -> dict[str, str]:
    """What the declared checks say, by promise, where they fail."""
    said = {}
    for check in declared(workshop)["checks"]:
        done = subprocess.run(
            ["bash", "-c", check["run"]],
            cwd=workshop.folder,
            env=workshop.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            said[check["promise"]] = done.stdout + done.stderr
    return said


def unit_tests(workshop: Workshop) -> str:
    return workshop.act("bash", {"command": "python3 -W error -m unittest 2>&1"}).text


@pytest.mark.services
@pytest.mark.parametrize("project", PROMISES)
def test_every_promise_has_a_check_and_every_check_passes(
    project: str, library: Library, workshop: Workshop
) -> None:
    play_through(
        library.for_project(project),
        founder(project),
        workshop,
        answer_when_asked("simpler_version"),
    )
    assert [check["promise"] for check in declared(workshop)["checks"]] == PROMISES[project]
    start_as_declared(workshop)
    assert broken(workshop) == {}
    assert broken(workshop) == {}, "checks leave nothing behind that breaks them"
    assert unit_tests(workshop).splitlines()[-2] == "OK"
