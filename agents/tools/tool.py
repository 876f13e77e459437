"""The types that every tool is made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from agents.sandbox.workspace import Workspace
from agents.tool_effects import Effect
from agents.turns import Block, Replay

LONGEST_LABEL = 100


class Input(BaseModel):
    """The arguments of a tool call."""

    model_config = ConfigDict(extra="forbid")


I = TypeVar("I", bound=Input)  # noqa: E741


@dataclass(frozen=True)
class Outcome:
    """What a tool did: `text` and `images` are for the model, the label and the rest for the founder."""

    text: str
    label: str
    error_type: str = ""  # set when the call failed but still has output
    exit_code: int | None = None
    images: tuple[Block, ...] = ()
    image: str = ""
    diff: str = ""
    changed_files: bool = False
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Tool(Generic[I]):
    """A tool. `doing` makes its label before it has run, in the present tense."""

    name: str
    description: str
    input: type[I]
    replay: Replay
    doing: Callable[[I], str]
    run: Callable[[I, Workspace], Awaitable[Outcome]]

    def definition(self) -> dict[str, Any]:
        """The entry in the API's `tools`. Its bytes must not vary: the prompt cache begins with them."""
        schema = _without_titles(self.input.model_json_schema())
        return {"name": self.name, "description": self.description, "input_schema": schema}


def shorten(text: str, limit: int = LONGEST_LABEL) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def lines_of(text: str) -> list[str]:
    """The lines as editors, compilers and grep count them, without their ends."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def numbered(number: int, line: str) -> str:
    """A line of a file with its number, as `cat -n` shows it."""
    return f"{number:>6}\t{line}"


def _without_titles(schema: Any) -> Any:
    """Remove the titles pydantic gives every field: they repeat the name and cost tokens in every call."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(field) for name, field in value.items()}
        if key in ("properties", "$defs")
        else _without_titles(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
