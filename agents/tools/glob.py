"""Finds files by name."""

import re

from pydantic import Field

from agents.sandbox.layout import EXCLUDED
from agents.sandbox.workspace import Workspace
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure

MOST_FILES = 500

# Arguments: path, then the names of directories to skip.
SCRIPT = r"""
cd "$HOME/app" || exit 1
path=$1
shift
names=(-name .git)
for name in "$@"; do names+=(-o -name "$name"); done
find "$path" -mindepth 1 -type d \( "${names[@]}" \) -prune -o \( -type f -o -type l \) -printf '%P\0' \
  2> /dev/null
exit 0
"""

TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|\{[^{}]*\}|.", re.DOTALL)


class Glob(Input):
    pattern: str = Field(min_length=1, max_length=500, description="E.g. **/*.py or app/*.{js,css}")
    path: str = Field(default=".", min_length=1, description="The directory to search.")


async def run(args: Glob, workspace: Workspace) -> Outcome:
    entry = await workspace.look(args.path)
    if entry.kind != "directory":
        raise ToolFailure("file_not_found", f"There is no directory {args.path}.")
    matches = matcher(args.pattern)
    files = (await workspace.script(SCRIPT, entry.path, *EXCLUDED)).split("\0")[:-1]
    found = sorted(path for path in files if matches.fullmatch(path))
    label = f"Found {plural(len(found), 'file')} like {shorten(args.pattern, 60)}"
    if not found:
        return Outcome("No files.", f"Found no files like {shorten(args.pattern, 60)}")
    parent = "" if entry.path == "." else f"{entry.path}/"
    lines = [parent + path for path in found[:MOST_FILES]]
    if len(found) > MOST_FILES:
        lines.append(f"[{len(found) - MOST_FILES:,} more. Narrow the pattern.]")
    return Outcome("\n".join(lines), label)


def matcher(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression over whole paths: `**` crosses directories, `*` does not."""
    parts = [_part(token) for token in TOKENS.findall(pattern.removeprefix("./"))]
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise ToolFailure("invalid_input", f"The pattern is not valid: {error}.") from error


def _part(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if token.startswith("[") and len(token) > 1:
        body = token[1:-1].replace("\\", r"\\")
        return f"[^{body[1:]}]" if body.startswith("!") else f"[{body}]"
    if token.startswith("{") and len(token) > 1:
        choices = token[1:-1].split(",")
        return "(?:" + "|".join("".join(map(_part, TOKENS.findall(choice))) for choice in choices) + ")"
    return re.escape(token)


TOOL = Tool(
    name="glob",
    description=(
        "Find files in the workspace by name, sorted by path. Packages, caches and .git are skipped."
    ),
    input=Glob,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Looking for {args.pattern}",
    run=run,
)
