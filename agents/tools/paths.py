"""What the file tools share: the path argument, and reading a file as text."""

from pydantic import Field

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
        size = f"{entry.size:,} bytes"
        raise ToolFailure(
            "file_too_large", f"{path} has {size}. Use bash (head, tail, sed -n) to read a part of it."
        )
    content = await workspace.read(path)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolFailure("binary_file", f"{path} is not a text file ({len(content):,} bytes).")
    return text
