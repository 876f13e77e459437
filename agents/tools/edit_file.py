"""Replaces a passage in a file."""

from pydantic import Field

from agents.beside import beside
from agents.line_diff import unified_diff
from agents.sandbox import seen
from agents.sandbox.workspace import Workspace
from agents.tools.paths import PATH, must_be_seen, read_text
from agents.tools.tool import Input, Outcome, Tool, lines_of, numbered, plural, shorten
from agents.turns import Replay, ToolFailure

MOST_EDITS = 50
LONGEST_LINE_SHOWN = 300
MOST_LINES_SHOWN = 40  # of the changed places, in the answer


class Edit(Input):
    old_string: str = Field(min_length=1, description="The passage to replace, exactly as it is in the file.")
    new_string: str = Field(description="The text to put in its place.")
    replace_all: bool = Field(default=False, description="Replace every occurrence.")


class InFile(Input):
    path: str = PATH


class EditFile(Edit, InFile):  # in this order the path is the schema's first field
    more_edits: list[Edit] = Field(
        default=[],
        max_length=MOST_EDITS - 1,
        description="Further edits of the same file, made after the first, in order: all are made or none.",
    )

    @property
    def edits(self) -> list[Edit]:
        return [self, *self.more_edits]


async def run(args: EditFile, workspace: Workspace) -> Outcome:
    before = await read_text(workspace, args.path)
    await must_be_seen(workspace, args.path)
    content, outcome = await beside(edited, before, args)
    await workspace.write(args.path, content)
    await seen.remember(workspace, args.path, content)
    return outcome


def edited(before: str, args: EditFile) -> tuple[bytes, Outcome]:
    """The file's new content, and what to say about it; `ToolFailure` when it cannot be edited so."""
    after, replacements = before, 0
    for number, edit in enumerate(args.edits, start=1):
        place = args.path if len(args.edits) == 1 else f"{args.path} (edit {number}; no edit was made)"
        replacements += after.count(edit.old_string)
        after = replaced(after, edit, place)
    try:
        content = after.encode()
    except UnicodeEncodeError as error:
        raise ToolFailure("invalid_input", "new_string is not valid Unicode text.") from error
    label = f"Edited {shorten(args.path)}"
    old, new = lines_of(before), lines_of(after)
    diff = list(unified_diff(old, new, args.path, args.path, context=2))
    text = f"{label} ({plural(replacements, 'replacement')}).{changed_places(diff)}"
    return content, Outcome(text, label, diff="\n".join(diff), changed_files=True)


def changed_places(diff: list[str]) -> str:
    """The changed places as they are now, with line numbers; the first of them when there are many."""
    shown: list[str] = []
    number = 0
    for line in diff[2:]:  # after the two lines that name the file
        if len(shown) == MOST_LINES_SHOWN:
            shown.append("[more was changed below]")
            break
        if line.startswith("@@"):
            number = int(line.split("+")[1].split(" ")[0].split(",")[0])
            shown += ["..."] if shown else []
        elif not line.startswith("-"):
            shown.append(numbered(number, shorten_line(line[1:])))
            number += 1
    return "".join(f"\n{line}" for line in shown)


def shorten_line(line: str) -> str:
    """A line of a minified file would fill the answer."""
    return line if len(line) <= LONGEST_LINE_SHOWN else line[:LONGEST_LINE_SHOWN] + " [cut]"


def replaced(text: str, args: Edit, place: str) -> str:
    """The text after the edit; `ToolFailure` when it is not clear what to replace."""
    if args.old_string == args.new_string:
        raise ToolFailure("invalid_input", "old_string and new_string are the same.")
    count = text.count(args.old_string)
    if count == 0:
        hint = " The file's lines end in \\r\\n." if "\r\n" in text else ""
        raise ToolFailure(
            "passage_not_found",
            f"old_string is not in {place}. Read the file and copy it exactly.{hint}",
        )
    if count > 1 and not args.replace_all:
        raise ToolFailure(
            "passage_not_unique",
            f"old_string occurs {count} times in {place}. Add lines around it, or set replace_all.",
        )
    return text.replace(args.old_string, args.new_string)


TOOL = Tool(
    name="edit_file",
    description=(
        "Replace a passage in a text file, or several with more_edits. Each old_string must occur in the "
        "file exactly once, with the same whitespace and without line numbers, unless replace_all is set. "
        "The file must be as you last read or wrote it; what bash has changed, read again first. You get "
        "the changed places back, with line numbers."
    ),
    input=EditFile,
    replay=Replay.REPORT,
    doing=lambda args: f"Editing {args.path}",
    run=run,
)
