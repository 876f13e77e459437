"""Keeps files that hold a founder's secret out of snapshots.

A file is taken for one when it has a value's longest line, as it is. A value that was compressed or encoded,
as in a commit of git's, is not found.
"""

from collections.abc import Collection, Iterable

from agents import manifest
from agents.errors import ScriptFailed
from agents.layout import STATE
from agents.manifest import Manifest
from agents.sandbox import Workspace
from jobs.project_secrets import LEAST_VALUE, telling_line

# Argument: a name. Of the files listed in NAME.names, those with a line of NAME.secrets go to NAME.held.
FIND = r"""
cd "$HOME/app" || exit 1
list=$HOME/.cofounder/snapshots/$1
LC_ALL=C xargs -0 -r grep -slZaF -f "$list.secrets" -- < "$list.names" > "$list.held"
exit 0
"""
# Argument: a name. Whether the archive NAME.tar.gz holds a line of NAME.secrets after all: 3 is yes.
INSPECT = r"""
made=$HOME/.cofounder/snapshots/$1
tar -xOzf "$made.tar.gz" | LC_ALL=C grep -qaF -f "$made.secrets"
case $? in 0) exit 3 ;; 1) exit 0 ;; *) exit 2 ;; esac
"""
HELD = 3


def lines_of(secrets: Iterable[str]) -> list[str]:
    """What to look for: where such a line is, the secret may be."""
    lines = {telling_line(value) for value in secrets}
    return sorted(line for line in lines if len(line) >= LEAST_VALUE)


async def without(workspace: Workspace, name: str, files: Manifest, lines: Collection[str]) -> Manifest:
    """The files that hold none of these lines; `Workspace.left_out` names the others."""
    held: set[str] = set()
    if lines:
        await workspace.upload(f"{STATE}/snapshots/{name}.secrets", "\n".join(lines).encode() + b"\n")
        read = manifest.names(file.path for file in files if file.sha256)
        await workspace.upload(f"{STATE}/snapshots/{name}.names", read)
        await workspace.script(FIND, name)
        found = b"".join([part async for part in workspace.download(f"{STATE}/snapshots/{name}.held")])
        held = {path.decode(errors="surrogateescape") for path in found.split(b"\0") if path}
    workspace.left_out = sorted(held)
    return tuple(file for file in files if file.path not in held)


async def are_in_archive(workspace: Workspace, name: str, lines: Collection[str]) -> bool:
    """Whether a file got such a line between the listing and the packing."""
    if not lines:
        return False
    try:
        await workspace.script(INSPECT, name)
    except ScriptFailed as error:
        if error.exit_code == HELD:
            return True
        raise
    return False
