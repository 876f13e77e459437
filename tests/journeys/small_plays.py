"""Plays of a few steps, for journeys that interrupt them. JSON is valid YAML."""

import json
from pathlib import Path
from typing import Any

APP = {
    "start": "exec python3 -m http.server $PORT",
    "port": 8000,
    "checks": [{"promise": "notes are kept", "run": "test -f notes.txt"}],
}
INTERRUPTED = {"error": True, "matches": "was interrupted"}


def brief(project: str) -> dict[str, Any]:
    return {
        "name": project,
        "goal": "Keep notes",
        "idea_brief": {"must_have": ["notes are kept"]},
        "interview": [],
    }


def write_plays(directory: Path) -> Path:
    """`Long`: a command that does not end. `Steps`: forty short ones, then an app. `Careless`: it deletes
    the files we keep in its home."""
    long = [_step("long", {"bash": {"command": "echo begun > notes.txt; sleep 600", "timeout": 600}})]
    _write(directory, "Long", [*_beginning(), *long, _end()])
    steps = [
        {
            **_step(f"step-{n}", {"bash": {"command": f"echo {n} >> notes.txt; sleep 0.1"}}),
            "on": [{"when": INTERRUPTED, "goto": f"step-{n}"}],
        }
        for n in range(40)
    ]
    _write(directory, "Steps", [*_beginning(), *steps, _end()])
    careless = [
        _step("tidy", {"bash": {"command": "rm -rf $HOME/.cofounder; true"}}),
        _step("notes", {"write_file": {"path": "notes.txt", "content": "kept"}}),
        _step("look", {"bash": {"command": "cat notes.txt"}}),
    ]
    _write(directory, "Careless", [*_beginning(), *careless, _end()])
    return directory


def _write(directory: Path, project: str, steps: list[dict[str, Any]]) -> None:
    (directory / project).mkdir(parents=True)
    play = {"name": project.lower(), "project": project, "steps": steps}
    (directory / project / "play.yaml").write_text(json.dumps(play))


def _beginning() -> list[dict[str, Any]]:
    page = {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}}
    app = {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}}
    return [_step("begin", {"narrate": {"message": "I begin."}}), _step("app", page, app)]


def _end() -> dict[str, Any]:
    return {"id": "bye", "think": "Done.", "say": "Done.", "end": True}


def _step(name: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "think": f"Now {name}.", "call": [*calls]}
