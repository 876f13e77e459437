"""What the file tools share: the path argument, and reading a file as text."""

from pydantic import Field

from agents.sandbox import seen
from agents.sandbox.seen import Seen
from agents.sandbox.workspace import Entry, Workspace
from agents.turns import ToolFailure

PATH = Field(description="Path relative to the workspace.", min_length=1)
LARGEST_FILE = 1_000_000  # bytes


async def existing_file(workspace: Workspace, path: str) -> Entry:
    """The file at `path`, or a `ToolFailure` that says what is there instead."""
    entry = await workspace.look(path)
    if not entry.kind:
        raise ToolFailure("file_not_found", f"There is no file {path}.")
    if entry.kind != "file":
        raise ToolFailure(
            "not_a_file", f"{path} is a {entry.kind}, not a file.".replace("a other", "special")
        )
    return entry


async def read_text(workspace: Workspace, path: str) -> str:
    """The text of a file, unchanged; `ToolFailure` when it is missing, too large or not text."""
    entry = await existing_file(workspace, path)
    if entry.size > LARGEST_FILE:
        raise too_large(path, entry.size)
    return text_of(await workspace.read(path), path)


def text_of(content: bytes, path: str) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolFailure("binary_file", f"{path} is not a text file ({len(content):,} bytes).")
    return text


def too_large(path: str, size: int) -> ToolFailure:
    advice = "Use bash (head, tail, sed -n) to read a part of it."
    return ToolFailure("file_too_large", f"{path} has {size:,} bytes. {advice}")


async def must_be_seen(workspace: Workspace, path: str, wanted: bytes | None = None) -> None:
    """A `ToolFailure` unless the agent has seen the file as it is now, or as it is `wanted`."""
    state = await seen.compare(workspace, path, wanted)
    if state == Seen.OTHERWISE:
        raise ToolFailure(
            "file_changed",
            f"{path} has changed since you read it: a command, or something else that runs, wrote to it. "
            "Nothing was written. Read it again first.",
        )
    if state == Seen.NEVER:
        raise ToolFailure(
            "file_not_read",
            f"{path} exists, and you have not read it yet. Nothing was written. Read it first.",
        )
