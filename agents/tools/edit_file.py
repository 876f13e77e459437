"""Replaces a passage in a file."""

from pydantic import Field

from agents.beside import beside
from agents.line_diff import unified_diff
from agents.sandbox.workspace import Workspace
from agents.tools.paths import PATH, read_text
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure


class EditFile(Input):
    path: str = PATH
    old_string: str = Field(min_length=1, description="The passage to replace, exactly as it is in the file.")
    new_string: str = Field(description="The text to put in its place.")
    replace_all: bool = Field(default=False, description="Replace every occurrence.")


async def run(args: EditFile, workspace: Workspace) -> Outcome:
    before = await read_text(workspace, args.path)
    content, outcome = await beside(edited, before, args)
    await workspace.write(args.path, content)
    return outcome


def edited(before: str, args: EditFile) -> tuple[bytes, Outcome]:
    """The file's new content, and what to say about it; `ToolFailure` when it cannot be edited so."""
    after = replaced(before, args)
    try:
        content = after.encode()
    except UnicodeEncodeError as error:
        raise ToolFailure("invalid_input", "new_string is not valid Unicode text.") from error
    label = f"Edited {shorten(args.path)}"
    text = f"{label} ({plural(before.count(args.old_string), 'replacement')})."
    diff = "\n".join(unified_diff(before.splitlines(), after.splitlines(), args.path, args.path, context=2))
    return content, Outcome(text, label, diff=diff, changed_files=True)


def replaced(text: str, args: EditFile) -> str:
    """The text after the edit; `ToolFailure` when it is not clear what to replace."""
    if args.old_string == args.new_string:
        raise ToolFailure("invalid_input", "old_string and new_string are the same.")
    count = text.count(args.old_string)
    if count == 0:
        hint = " The file's lines end in \\r\\n." if "\r\n" in text else ""
        raise ToolFailure(
            "passage_not_found",
            f"old_string is not in {args.path}. Read the file and copy it exactly.{hint}",
        )
    if count > 1 and not args.replace_all:
        raise ToolFailure(
            "passage_not_unique",
            f"old_string occurs {count} times in {args.path}. Add lines around it, or set replace_all.",
        )
    return text.replace(args.old_string, args.new_string)


TOOL = Tool(
    name="edit_file",
    description=(
        "Replace a passage in a text file. old_string must occur in the file exactly once, with the same "
        "whitespace, unless replace_all is set."
    ),
    input=EditFile,
    replay=Replay.REPORT,
    doing=lambda args: f"Editing {args.path}",
    run=run,
)
