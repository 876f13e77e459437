"""What the agent has seen of each file: a hash of its content when the agent last read or wrote it.

The records are in the sandbox, apart for each job, so that they outlive a worker and end with the files they
are about: in a new sandbox nothing has been seen.
"""

import hashlib
from enum import StrEnum

from agents.sandbox import process_groups
from agents.sandbox.workspace import Workspace

MOST_BYTES = 10_000_000  # of a file, that are compared

# The arguments after the owner: the job, the file's path, the most bytes.
_RECORD = (
    process_groups.OWNED
    + r"""
cd "$HOME/app" || exit 1
folder=$HOME/.cofounder/seen/$1
key=$(realpath -mz -- "$2" | sha256sum)
record=$folder/${key%% *}
"""
)
_COMPARE = (
    _RECORD
    + r"""
now=closed
[ ! -r "$2" ] || now=$(head -c "$3" -- "$2" | sha256sum)
echo "${now%% *} $(cat "$record" 2> /dev/null)"
"""
)
CLOSED = "closed"  # the file tools read as root, and commands, by which files are compared, may not
_REMEMBER = _RECORD + r'mkdir -p "$folder" && printf %s "$4" > "$record"'


class Seen(StrEnum):
    AS_IT_IS = "as_it_is"
    OTHERWISE = "otherwise"  # it has changed since
    NEVER = "never"


async def compare(workspace: Workspace, path: str, wanted: bytes | None = None) -> Seen:
    """How the agent has seen an existing file. One that is as `wanted` already counts as seen.

    Of a file that commands may not read nobody can tell: once seen, it counts as it is.
    """
    now, _, before = (
        (await workspace.owned(_COMPARE, workspace.job_id, _safe(path), str(MOST_BYTES)))
        .strip()
        .partition(" ")
    )
    if now == before or (now == CLOSED and before) or (wanted is not None and now == _hash(wanted)):
        return Seen.AS_IT_IS
    return Seen.OTHERWISE if before else Seen.NEVER


async def remember(workspace: Workspace, path: str, content: bytes) -> None:
    await workspace.owned(_REMEMBER, workspace.job_id, _safe(path), str(MOST_BYTES), _hash(content))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content[:MOST_BYTES]).hexdigest()


def _safe(path: str) -> str:
    """Never an option, whatever it begins with."""
    return path if path.startswith("/") else f"./{path}"
