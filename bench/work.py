"""The work every system does: an instant model that calls one tool, and a tool that answers 2 KB at once."""

import random
from typing import Any

ITERATIONS = 300
RESULT_BYTES = 2048

_WORDS = ("return", "self", "value", "index", "append", "for", "item", "in", "rows", "if", "None", "raise")


def answer(iteration: int) -> list[dict[str, Any]]:
    """The model's turn in this iteration."""
    path = f"app/module_{iteration}.py"
    return [
        {"type": "text", "text": f"Next I read {path}, because the form that offers a uniform uses it."},
        {
            "type": "tool_use",
            "id": f"toolu_{iteration:020}",
            "name": "read_file",
            "input": {"path": path, "offset": iteration},
        },
    ]


def output(iteration: int) -> str:
    """The tool's answer: 2 KB of code-like text, different each time, prepared beforehand."""
    return _OUTPUTS[iteration]


def _written(iteration: int) -> str:
    words = random.Random(iteration)
    lines = (" ".join(words.choices(_WORDS, k=9)) + f"  # {words.random()}" for _ in range(40))
    return "\n".join(lines)[:RESULT_BYTES]


_OUTPUTS = [_written(iteration) for iteration in range(ITERATIONS)]
