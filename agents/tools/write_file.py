"""Writes a whole file."""

from pydantic import Field

from agents.sandbox import seen
from agents.sandbox.workspace import Workspace
from agents.tools.paths import LARGEST_FILE, PATH, must_be_seen
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure


class WriteFile(Input):
    path: str = PATH
    content: str = Field(description="The whole new content of the file.")


async def run(args: WriteFile, workspace: Workspace) -> Outcome:
    content = _encoded(args.content)
    entry = await workspace.look(args.path)
    if entry.kind not in ("", "file"):
        raise ToolFailure("not_a_file", f"{args.path} is a directory.")
    if entry.kind:
        await must_be_seen(workspace, args.path, content)
    await workspace.write(args.path, content)
    await seen.remember(workspace, args.path, content)
    label = f"Wrote {plural(len(args.content.splitlines()), 'line')} to {shorten(args.path)}"
    return Outcome(f"{label} ({len(content):,} bytes).", label, changed_files=True)


def _encoded(content: str) -> bytes:
    try:
        encoded = content.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair, which JSON can carry and files cannot
        raise ToolFailure("invalid_input", "The content is not valid Unicode text.") from error
    if len(encoded) > LARGEST_FILE:
        raise ToolFailure("file_too_large", f"A file may have at most {LARGEST_FILE:,} bytes.")
    return encoded


TOOL = Tool(
    name="write_file",
    description=(
        "Write a file in the workspace, creating its directories and replacing any earlier content: an "
        "existing file must have been read first. To change a part of it, prefer edit_file."
    ),
    input=WriteFile,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Writing {args.path}",
    run=run,
)
