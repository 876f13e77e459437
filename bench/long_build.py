"""A build of exactly 150 turns, as a play: code is written, read again and tried out, phase by phase."""

import json
import random
from pathlib import Path
from typing import Any

PROJECT = "Long build"
TURNS = 150
PHASE_TURNS = 16
THINKING_TOKENS = 350  # of a usual turn, in addition to what it writes
FILE_BYTES = 2400
BRIEF: dict[str, Any] = {
    "name": PROJECT,
    "goal": "Keep notes",
    "idea_brief": {"must_have": ["notes are kept"]},
    "interview": [{"question": "Who keeps them?", "answer": "Everybody in the house."}],
}
APP = {
    "start": "exec python3 -m http.server $PORT",
    "port": 8000,
    "checks": [{"promise": "notes are kept", "run": "test -f notes/module_1.py"}],
}
Step = dict[str, Any]
_WORDS = ("return", "self", "value", "index", "append", "for", "item", "in", "rows", "if", "None", "raise")


def write_play(directory: Path) -> Path:
    """Write the play into `directory`, in the layout of `python -m rehearsal --plays`. JSON is valid YAML."""
    (directory / "long").mkdir(parents=True)
    play = {"name": "long", "project": PROJECT, "steps": steps()}
    (directory / "long" / "play.yaml").write_text(json.dumps(play))
    return directory


def steps() -> list[Step]:
    parts = -(-TURNS // PHASE_TURNS)
    phases = [{"name": f"Part {number}", "goal": "Notes"} for number in range(1, parts + 1)]
    page = {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}}
    app = {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}}
    first = [_step("plan", {"plan": {"phases": phases}})]
    last = [_step("app", page, app), {**_step("bye"), "say": "All notes are kept.", "end": True}]
    work = TURNS - len(first) - len(last)
    return [*first, *map(_work, range(work)), *last]


def _work(number: int) -> Step:
    """Try out, write, read and search in turn; each phase begins with a sentence instead."""
    if number % PHASE_TURNS == 0:
        name = f"Part {number // PHASE_TURNS + 1}"
        return _step(f"work-{number}", {"narrate": {"message": f"Now {name}.", "phase_name": name}})
    module = number - number % 4 + 1
    path = f"notes/module_{module}.py"
    calls: tuple[dict[str, Any], ...] = (
        {"bash": {"command": f"ls -la notes; wc -c notes/*; seq {number} {number + 150}"}},
        {"write_file": {"path": path, "content": _code(module)}},
        {"read_file": {"path": path}},
        {"grep": {"pattern": f"def of_{module % 7}", "path": "notes"}},
    )
    return _step(f"work-{number}", calls[number % 4])


def _code(module: int) -> str:
    words = random.Random(module)
    lines = [f"def of_{module % 7}(self, rows):"]
    while sum(map(len, lines)) < FILE_BYTES:
        lines.append("    " + " ".join(words.choices(_WORDS, k=9)) + f"  # {words.random()}")
    return "\n".join(lines) + "\n"


def _step(name: str, *calls: dict[str, Any]) -> Step:
    step: Step = {"id": name, "think": f"Now {name}.", "thinking_tokens": THINKING_TOKENS}
    return {**step, "call": [*calls]} if calls else step
