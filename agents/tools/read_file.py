"""Reads a file."""

from pydantic import Field

from agents.beside import beside
from agents.sandbox.workspace import Workspace
from agents.tools.paths import PATH, read_text
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure

MOST_CHARACTERS = 29_000  # leaves room for the heading within the limit of a tool's answer


class ReadFile(Input):
    path: str = PATH
    offset: int = Field(default=1, ge=0, description="The first line to read; lines are counted from 1.")
    limit: int = Field(default=2000, ge=1, le=10_000, description="How many lines to read at most.")


async def run(args: ReadFile, workspace: Workspace) -> Outcome:
    return await beside(part_of, await read_text(workspace, args.path), args)


def part_of(text: str, args: ReadFile) -> Outcome:
    """The lines that were asked for. An offset of 0 means the beginning, as one of 1 does."""
    lines = text.splitlines(keepends=True)
    first = max(args.offset, 1)
    if first > max(len(lines), 1):
        raise ToolFailure("invalid_input", f"{args.path} has only {plural(len(lines), 'line')}.")
    part = _fitting(lines[first - 1 : first - 1 + args.limit])
    label = shorten(f"Read {args.path}")
    if len(part) == len(lines):
        return Outcome("".join(part) or "[The file is empty.]", label)
    last = first + len(part) - 1
    return Outcome(f"[lines {first} to {last} of {len(lines)}]\n{''.join(part)}", label)


def _fitting(lines: list[str]) -> list[str]:
    """As many whole lines as an answer can hold, at least one."""
    length = 0
    for count, line in enumerate(lines):
        length += len(line)
        if length > MOST_CHARACTERS and count:
            return lines[:count]
    return lines


TOOL = Tool(
    name="read_file",
    description=(
        "Read a text file in the workspace, unchanged. For a long file you get the first lines, with a "
        "heading that says which; read the rest with offset and limit."
    ),
    input=ReadFile,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Reading {args.path}",
    run=run,
)
