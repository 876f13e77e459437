"""Searches the contents of files."""

from pydantic import Field

from agents.errors import ScriptFailed
from agents.sandbox.layout import EXCLUDED
from agents.sandbox.workspace import Workspace
from agents.tools.tool import Input, Outcome, Tool, plural, shorten
from agents.turns import Replay, ToolFailure

MOST_LINES = 500
LONGEST_LINE = 400

# Arguments: pattern, path, file name pattern or "", maximum of lines, then the names of directories to skip.
# No line leaves the sandbox with more than 3,000 bytes, its path included.
SCRIPT = r"""
cd "$HOME/app" || exit 1
pattern=$1 path=$2 files=$3 most=$4
shift 4
options=(-rnIsH --exclude-dir=.git)
for name in "$@"; do options+=("--exclude-dir=$name"); done
[ -n "$files" ] && options+=("--include=$files")
# Perl-compatible expressions where this grep supports them: \d and look-around are common.
if grep -qP x <<< x 2> /dev/null; then options+=(-P); else options+=(-E); fi
grep -q "${options[@]: -1}" -e "$pattern" /dev/null; [ $? = 2 ] && exit 2
grep "${options[@]}" -e "$pattern" -- "$path" | cut -b -3000 | LC_ALL=C sort -s -t : -k 1,1 |
  head -n "$most"
exit 0
"""


class Grep(Input):
    pattern: str = Field(min_length=1, max_length=2000, description="A regular expression, Perl-compatible.")
    path: str = Field(default=".", min_length=1, description="A file or directory in the workspace.")
    glob: str = Field(default="", description="Search only files whose name matches this, e.g. *.py")


async def run(args: Grep, workspace: Workspace) -> Outcome:
    entry = await workspace.look(args.path)
    if not entry.kind:
        raise ToolFailure("file_not_found", f"There is no {args.path}.")
    if "\0" in args.pattern + args.glob:
        raise ToolFailure("invalid_input", "A pattern cannot contain a NUL character.")
    arguments = (args.pattern, entry.path, args.glob, str(MOST_LINES + 1), *EXCLUDED)
    try:
        found = (await workspace.script(SCRIPT, *arguments)).splitlines()
    except ScriptFailed as error:
        raise ToolFailure("invalid_input", f"The pattern is not valid: {error}") from error
    label = f"Found {plural(min(len(found), MOST_LINES), 'line')} with “{shorten(args.pattern, 60)}”"
    if not found:
        return Outcome("No matches.", f"Found nothing with “{shorten(args.pattern, 60)}”")
    lines = [line.removeprefix("./")[:LONGEST_LINE] for line in found[:MOST_LINES]]
    more = f"[Only the first {MOST_LINES} lines. Narrow the search.]" if len(found) > MOST_LINES else ""
    return Outcome("\n".join([*lines, more]).rstrip("\n"), label)


TOOL = Tool(
    name="grep",
    description=(
        "Search the workspace's text files with a regular expression; returns path:line:text. Installed "
        "packages, caches and .git are skipped."
    ),
    input=Grep,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Searching for “{args.pattern}”",
    run=run,
)
