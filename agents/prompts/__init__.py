"""What the model is told: the persona with the founder's own words, and the notes during the build.

May import `jobs.briefs`, and no other room of `agents`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from jobs.briefs import Interview

if TYPE_CHECKING:
    from jinja2 import Template


def system_prompt(
    *,
    project: str,
    goal: str,
    idea_brief: dict[str, Any],
    promises: Sequence[Mapping[str, str]],
    interview: Interview,
    assumptions: Sequence[Mapping[str, str]] = (),
    change: str = "",
    earlier: Mapping[str, Any] | None = None,
) -> str:
    """The persona and the founder's input, verbatim. `change` and `earlier` are for projects built before.

    The founder's text cannot close its element.
    """
    given: dict[str, Any] = {
        "project": project,
        "goal": goal,
        "idea_brief": idea_brief,
        "promises": promises,
        "interview": interview,
    }
    if assumptions:
        given["assumptions"] = assumptions
    if change:
        given["change"] = change
    return _template("system.md").render(
        founder_input=as_data(given, indent=1),
        is_change=bool(change),
        earlier=as_data(earlier, indent=1) if earlier else "",
    )


def as_string(text: str) -> str:
    """A text by others as a JSON string, or nothing if it is empty."""
    return as_data(text) if text else ""


def as_data(value: Any, *, indent: int | None = None) -> str:
    """Text by others as JSON, with `<` written as `\\u003c` so that it cannot close an element or a note."""
    return json.dumps(value, ensure_ascii=False, indent=indent).replace("<", "\\u003c")


def summary_instructions() -> str:
    """What a summary of the conversation has to hold, in place of the provider's own instructions."""
    return _template("summary.md").render()


def note_text(kind: str, **values: Any) -> str:
    """The text of a note of this kind."""
    return _template(f"note_{kind}.md").render(**values).rstrip()


@cache
def _template(name: str) -> "Template":
    """A template of this package. The engine is loaded with the first: every process imports this module."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # The prompts are plain text for a model: nothing in them is HTML. The founder's words enter as JSON only.
    engine = Environment(
        loader=PackageLoader("agents", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    return engine.get_template(name)
