"""The app as its `cofounder.json` declares it: how it starts, its port, its checks."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from agents.errors import AgentError, NotDone
from agents.sandbox.workspace import Workspace
from agents.turns import ToolFailure

Document = TypeVar("Document", bound=BaseModel)
DECLARATION = "cofounder.json"
LARGEST_DECLARATION = 1_000_000  # bytes
# Commands are passed in the environment, which cannot contain NUL.
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")
]


class PreviewError(AgentError):
    """The app cannot be shown."""


class DeclarationError(PreviewError):
    """cofounder.json does not say how the app is started."""


class Check(BaseModel):
    """What proves a promise: a command, or a journey of visitors through the app.

    The command is given PREVIEW_URL; exit code 0 means success. The journey is a file below `cofounder/`.
    """

    promise: Text
    run: Text | Literal[""] = ""
    journey: str = Field(default="", pattern=r"^journeys/[a-z0-9][a-z0-9_-]{0,39}\.json$|^$")

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if bool(self.run) == bool(self.journey):
            raise ValueError("a check needs either run or journey")
        return self


class Declaration(BaseModel):
    """cofounder.json: how the app is started, and how its promises are checked."""

    start: Text
    port: int = Field(ge=1024, le=65535)
    checks: list[Check] = Field(default=[], max_length=100)


async def declaration(workspace: Workspace) -> Declaration:
    """Read cofounder.json; `DeclarationError` says what is wrong with it."""
    try:
        entry = await workspace.look(DECLARATION)
        if not entry.kind:
            raise DeclarationError(f"There is no {DECLARATION} in the workspace.")
        if entry.kind != "file" or entry.size > LARGEST_DECLARATION:
            raise DeclarationError(f"{DECLARATION} must be a file of at most {LARGEST_DECLARATION:,} bytes.")
        content = await workspace.read(DECLARATION)
    except (ToolFailure, NotDone, FileNotFoundError) as error:
        raise DeclarationError(f"{DECLARATION} cannot be read: {error}") from error
    return parsed(content, Declaration, DECLARATION, DeclarationError)


def parsed(content: bytes, document: type[Document], path: str, refuse: type[Exception]) -> Document:
    """A JSON file of the workspace as what it should be; else `refuse`, with the first thing wrong."""
    try:
        return document.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise refuse(f"{path}: {place + ': ' if place else ''}{first['msg']}.") from error
