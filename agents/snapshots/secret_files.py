"""Keeps files that contain a founder's secret out of snapshots.

A file counts as one if it contains the longest line of a secret, unencoded. A compressed or encoded value,
such as in a git commit, is not found.
"""

from collections.abc import Collection, Iterable

from agents.beside import beside
from agents.errors import ScriptFailed
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import manifest
from agents.snapshots.manifest import Manifest
from jobs.project_secrets import LEAST_VALUE, telling_line

# Argument: a name. Lists in NAME.held those files of NAME.names, and those copies of NAME.copied, that
# contain a line of NAME.secrets.
FIND = r"""
list=$HOME/.cofounder/snapshots/$1
export LC_ALL=C
mkdir -p "$list.copies"
{
  cd "$HOME/app" && xargs -0 -r grep -slZaF -f "$list.secrets" -- < "$list.names"
  cd "$list.copies" && xargs -0 -r grep -slZaF -f "$list.secrets" -- < "$list.copied"
} > "$list.held"
exit 0
"""
# Argument: a name. Exits with 3 if the archive NAME.tar.gz contains a line of NAME.secrets.
INSPECT = r"""
made=$HOME/.cofounder/snapshots/$1
tar -xOzf "$made.tar.gz" | LC_ALL=C grep -qaF -f "$made.secrets"
case $? in 0) exit 3 ;; 1) exit 0 ;; *) exit 2 ;; esac
"""
HELD = 3


def lines_of(secrets: Iterable[str]) -> list[str]:
    """The lines to search for: a file that contains one may contain the secret."""
    lines = {telling_line(value) for value in secrets}
    return sorted(line for line in lines if len(line) >= LEAST_VALUE)


async def without(
    workspace: Workspace, name: str, files: Manifest, lines: Collection[str], copied: Collection[str] = ()
) -> Manifest:
    """The files that contain none of these lines; the others are listed in `Workspace.left_out`.

    Of the `copied` ones the copies below NAME.copies are read, as those will be saved.
    """
    held: set[str] = set()
    if lines:
        await workspace.upload(f"{STATE}/snapshots/{name}.secrets", "\n".join(lines).encode() + b"\n")
        live = await beside(_names, files, copied)
        await workspace.upload(f"{STATE}/snapshots/{name}.names", live)
        await workspace.upload(f"{STATE}/snapshots/{name}.copied", await beside(manifest.names, copied))
        await workspace.script(FIND, name)
        found = b"".join([part async for part in workspace.download(f"{STATE}/snapshots/{name}.held")])
        held = {path.decode(errors="surrogateescape") for path in found.split(b"\0") if path}
    workspace.left_out = sorted(held)
    return await beside(_except, files, held) if held else files


def _names(files: Manifest, copied: Collection[str]) -> bytes:
    return manifest.names(file.path for file in files if file.sha256 and file.path not in copied)


def _except(files: Manifest, held: Collection[str]) -> Manifest:
    return tuple(file for file in files if file.path not in held)


async def are_in_archive(workspace: Workspace, name: str, lines: Collection[str]) -> bool:
    """Whether such a line was written to a file after the search and before the archive was made."""
    if not lines:
        return False
    try:
        await workspace.script(INSPECT, name)
    except ScriptFailed as error:
        if error.exit_code == HELD:
            return True
        raise
    return False
