"""The play of the chaos test: many short steps of every kind, some with an effect that can be counted.

An interrupted command is simply run again: its line is then in the file twice, and the transcript has to
show why. An edit is checked first. The rehearsal may add such calls by itself (`is_an_aid`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rehearsal.asides import INSPECT

PROJECT = "Chaos"
BRIEF: dict[str, Any] = {
    "name": PROJECT,
    "goal": "Survive",
    "idea_brief": {"must_have": ["notes are kept"]},
    "interview": [],
}
EFFECTS = "effects.log"
LOOK_LIMIT = 3  # lines; only the checks after an interruption read so few
TURNS_A_ROUND = 6
INTERRUPTED = {"error": True, "matches": "was interrupted"}
APP = {
    "start": "exec python3 -m http.server $PORT",
    "port": 8000,
    "checks": [{"promise": "notes are kept", "run": "test -f notes/1.txt"}],
}

Step = dict[str, Any]


def write_play(directory: Path, rounds: int) -> Path:
    """Write the play into `directory`, in the layout of `python -m rehearsal --plays`. JSON is valid YAML."""
    play = {"name": "chaos", "project": PROJECT, "steps": [*steps_of(rounds)]}
    (directory / "chaos").mkdir(parents=True)
    (directory / "chaos" / "play.yaml").write_text(json.dumps(play))
    return directory


def steps_of(rounds: int) -> Iterator[Step]:
    phases = [{"name": f"Part {number}", "goal": "Notes"} for number in range(1, rounds + 1)]
    yield _step("plan", {"plan": {"phases": phases}})
    for number in range(1, rounds + 1):
        yield from _round(number)
    page = {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}}
    yield _step("app", page, {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}})
    yield {**_step("bye"), "say": "All notes are kept.", "end": True}


def _round(number: int) -> Iterator[Step]:
    note = f"notes/{number}.txt"
    narration = {"message": f"Round {number} begins.", "phase_name": f"Part {number}"}
    yield _step(f"begin-{number}", {"narrate": narration})
    yield _step(f"write-{number}", {"write_file": {"path": note, "content": f"round {number}\nfirst\n"}})
    going_on = {"narrate": {"message": f"Round {number} goes on."}}
    together = [{"read_file": {"path": note}}, going_on, _effect(f"{number}-a")]
    yield _again_when_interrupted(_step(f"effect-{number}", *together))
    edit = {"path": note, "old_string": "first", "new_string": "second"}
    yield {
        **_step(f"edit-{number}", {"edit_file": edit}),
        "on": [{"when": INTERRUPTED, "goto": f"look-{number}"}],
        "next": f"slow-{number}",
    }
    yield {
        **_step(f"look-{number}", {"read_file": {"path": note, "limit": LOOK_LIMIT}}),
        "on": [{"when": {"matches": "first"}, "goto": f"edit-{number}"}],
    }
    yield _again_when_interrupted(_step(f"slow-{number}", _effect(f"{number}-b", "sleep 0.3;")))
    section = {"section": "overview", "content": f"After round {number} there are {number} notes."}
    yield _step(f"document-{number}", {"document": section})


def _effect(label: str, before: str = "") -> dict[str, Any]:
    return {"bash": {"command": f"{before} echo {label} >> {EFFECTS}; sleep 0.1"}}


def _again_when_interrupted(step: Step) -> Step:
    return {**step, "on": [{"when": INTERRUPTED, "goto": step["id"]}]}


def _step(name: str, *calls: dict[str, Any]) -> Step:
    step: Step = {"id": name, "think": f"Now {name}."}
    return {**step, "call": [*calls]} if calls else step


def is_a_look(name: str, wanted: dict[str, Any]) -> bool:
    return name == "read_file" and wanted.get("limit") == LOOK_LIMIT


def is_an_aid(name: str, wanted: dict[str, Any]) -> bool:
    """Whether the call only finds out, or undoes, what an interrupted call had done."""
    if name == "edit_file":
        return (wanted["old_string"], wanted["new_string"]) == ("second", "first")
    return any((call.tool, call.input) == (name, wanted) for step in INSPECT.steps for call in step.calls)
