"""A play of many expensive steps that continues until the founder says it is enough. JSON is valid YAML."""

import json
from pathlib import Path
from typing import Any

PROJECTS = ("Ana", "Ben", "Cleo one", "Cleo two")
STEPS = 600  # more than thirty days' budgets pay for
STEP_TOKENS = 9_000  # of output: a few such steps cost a day's budget
ENOUGH = "That is enough. Please finish it."
APP = {
    "start": "exec python3 -m http.server $PORT",
    "port": 8000,
    "checks": [{"promise": "notes are kept", "run": "test -f notes/1.txt"}],
}


def brief(project: str) -> dict[str, Any]:
    return {
        "name": project,
        "goal": "Keep notes for a month",
        "idea_brief": {"must_have": ["notes are kept"]},
        "interview": [],
    }


def write_plays(directory: Path) -> Path:
    for project in PROJECTS:
        (directory / project).mkdir(parents=True)
        (directory / project / "play.yaml").write_text(json.dumps(_play(project)))
    return directory


def _play(project: str) -> dict[str, Any]:
    page = {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}}
    app = {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}}
    return {
        "name": project.lower(),
        "project": project,
        "steps": [
            *(_work(number) for number in range(1, STEPS + 1)),
            {"id": "app", "think": "Now the page.", "call": [page, app]},
            {"id": "bye", "think": "Done.", "say": "Done.", "end": True},
        ],
        "notes": [{"kind": "message", "steps": [_enough()]}],
    }


def _work(number: int) -> dict[str, Any]:
    """Every fourth step writes a file that must still exist at the end; the others only say something."""
    note = {"write_file": {"path": f"notes/{number}.txt", "content": f"note {number}\n"}}
    says = {"narrate": {"message": f"I am at step {number}."}}
    return {
        "id": f"work-{number}",
        "think": f"Now step {number}.",
        "thinking_tokens": STEP_TOKENS,
        "call": [note if number % 4 == 1 else says],
    }


def _enough() -> dict[str, Any]:
    says = {"narrate": {"message": "I finish it, as you wish."}}
    return {"id": "enough", "think": "The founder has enough.", "call": [says], "next": "app"}
