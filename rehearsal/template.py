"""Fills in a step's strings with what the founder wants and what the tools answered."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from rehearsal.founder import FounderInput
from rehearsal.play import PlayError, Text
from rehearsal.state import Note

JINJA = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
VARIABLES = frozenset({"project", "goal", "brief", "interview", "must_have", "results", "note"})

ToolInput = dict[str, Any]


def variables(founder: FounderInput, results: Sequence[str], note: Note | None) -> dict[str, Any]:
    """The names a template may use."""
    return {
        "project": founder.project,
        "goal": founder.goal,
        "brief": founder.brief,
        "interview": list(founder.interview),
        "must_have": founder.must_have,
        "results": list(results),
        "note": {"kind": note.kind, "text": note.text, "data": _data(note.text)} if note else {},
    }


def render(source: str, names: Mapping[str, Any]) -> str:
    """The rendered text; raises PlayError where it uses an undefined name."""
    if "{{" not in source and "{%" not in source and "{#" not in source:
        return source
    try:
        return _compiled(source).render(names)
    except TemplateError as error:
        raise PlayError(f"The template {source!r:.80} cannot be filled: {error}") from error


def fill(value: Any, names: Mapping[str, Any]) -> Any:
    """A call's input with every template in it rendered."""
    if isinstance(value, Text):
        return render(value.source, names) if value.template else value.source
    if isinstance(value, str):
        return render(value, names)
    if isinstance(value, Mapping):
        return {key: fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    return value


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return JINJA.from_string(source)


def _data(text: str) -> dict[str, Any]:
    """The first line of a note that is a JSON object, else an empty mapping."""
    for line in text.splitlines():
        if line.strip().startswith("{"):
            try:
                found = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(found, dict):
                return found
    return {}
