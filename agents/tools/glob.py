"""Finds files by name."""

import re

import re2
from pydantic import Field

from agents.beside import beside
from agents.sandbox.layout import EXCLUDED
from agents.sandbox.workspace import Workspace
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure

MOST_FILES = 500
PATHS = re2.Options()  # of an engine whose time grows with the path alone, whatever the pattern
PATHS.dot_nl = True
PATHS.log_errors = False

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
    listed = await workspace.script(SCRIPT, entry.path, *EXCLUDED)
    found = await beside(matching, matches, listed)
    label = f"Found {plural(len(found), 'file')} like {shorten(args.pattern, 60)}"
    if not found:
        return Outcome("No files.", f"Found no files like {shorten(args.pattern, 60)}")
    parent = "" if entry.path == "." else f"{entry.path}/"
    lines = [parent + path for path in found[:MOST_FILES]]
    if len(found) > MOST_FILES:
        lines.append(f"[{len(found) - MOST_FILES:,} more. Narrow the pattern.]")
    return Outcome("\n".join(lines), label)


def matching(pattern: re.Pattern[str], listed: str) -> list[str]:
    """Those of the listed paths, each ended by NUL, that match; sorted."""
    return sorted(path for path in listed.split("\0")[:-1] if pattern.fullmatch(path))


def matcher(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression over whole paths: `**` crosses directories, `*` does not."""
    parts = [_part(token) for token in TOKENS.findall(pattern.removeprefix("./"))]
    try:
        return re2.compile("".join(parts), PATHS)  # type: ignore[no-any-return]
    except (re2.error, UnicodeEncodeError) as error:
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
