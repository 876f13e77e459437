"""Reads a file: text, a picture or a PDF."""

from pydantic import Field

from agents.beside import beside
from agents.sandbox import seen
from agents.sandbox.workspace import Workspace
from agents.tools import pdf, pictures
from agents.tools.paths import LARGEST_FILE, PATH, existing_file, text_of, too_large
from agents.tools.tool import Input, Outcome, Tool, lines_of, numbered, plural, shorten
from agents.turns import Replay

MOST_CHARACTERS = 29_000  # leaves room for the heading within the limit of a tool's answer
LONGEST_LINE = 2_000  # characters
LARGEST_SHOWN = 10_000_000  # bytes of a picture or PDF
SHOWN = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf")


class ReadFile(Input):
    path: str = PATH
    offset: int = Field(
        default=1, ge=0, description="The first line to read, or page of a PDF; both are counted from 1."
    )
    limit: int = Field(
        default=2000, ge=1, le=10_000, description="How many lines to read at most; of a PDF, up to 5 pages."
    )


async def run(args: ReadFile, workspace: Workspace) -> Outcome:
    entry = await existing_file(workspace, args.path)
    is_shown = args.path.lower().endswith(SHOWN)
    if entry.size > (LARGEST_SHOWN if is_shown else LARGEST_FILE):
        raise too_large(args.path, entry.size)
    content = await workspace.read(args.path)
    outcome = await _outcome(content, args)
    await seen.remember(workspace, args.path, content)
    return outcome


async def _outcome(content: bytes, args: ReadFile) -> Outcome:
    if pictures.format_of(content):
        block, said = await pictures.picture(content, args.path)
        return Outcome(said, shorten(f"Looked at {args.path}"), images=(block,))
    if content.startswith(b"%PDF-"):
        blocks, said = await pdf.pages(content, args.path, max(args.offset, 1), args.limit)
        return Outcome(said, shorten(f"Read {args.path}"), images=tuple(blocks))
    return await beside(part_of, text_of(content, args.path), args)


def part_of(text: str, args: ReadFile) -> Outcome:
    """The lines that were asked for. An offset of 0 means the beginning, as one of 1 does."""
    lines = lines_of(text)
    first = max(args.offset, 1)
    label = shorten(f"Read {args.path}")
    if not lines:
        return Outcome(f"[{args.path} is empty.]", label)
    if first > len(lines):
        says = f"{args.path} has only {plural(len(lines), 'line')}: there is nothing from line {first:,} on."
        return Outcome(says, label)
    part = _fitting([_shown(line) for line in lines[first - 1 : first - 1 + args.limit]], first)
    last = first + len(part) - 1
    heading = f"[lines {first} to {last} of {len(lines)}]\n" if len(part) < len(lines) else ""
    if "\r\n" in text:
        heading += "[The lines end in \\r\\n.]\n"
    return Outcome(heading + "\n".join(part), label)


def _shown(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} [{len(line):,} characters, cut]"


def _fitting(lines: list[str], first: int) -> list[str]:
    """As many whole lines as an answer can hold, at least one, with their numbers."""
    fitting: list[str] = []
    length = 0
    for number, line in enumerate(lines, start=first):
        fitting.append(numbered(number, line))
        length += len(fitting[-1]) + 1
        if length > MOST_CHARACTERS and len(fitting) > 1:
            return fitting[:-1]
    return fitting


TOOL = Tool(
    name="read_file",
    description=(
        "Read a file in the workspace. Text comes with line numbers, each followed by a tab: neither is a "
        "part of the file. Of a long file you get the first lines, with a heading that says which; read the "
        "rest with offset and limit. Pictures (PNG, JPEG, GIF, WebP) and the pages of a PDF are shown to you "
        "as they look. A file has to be read before edit_file or write_file may change it; showing it with "
        "bash does not count."
    ),
    input=ReadFile,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Reading {args.path}",
    run=run,
)
