"""Whole copies of files that others are writing, made inside the sandbox by `copier`.

Databases of SQLite are copied by SQLite itself, so that a copy holds what is committed, log included, and is
never torn. Any other file is copied in a moment in which nobody writes to it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from agents.beside import beside
from agents.errors import ScriptFailed
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import copier, manifest
from agents.snapshots.manifest import Copied, FileState, Manifest
from agents.snapshots.transfer import Listed, list_files

AS_READ = Copied.AS_READ
NO_PYTHON = 78
# Arguments: the program, what to copy, a name.
RUN = rf"""
mkdir -p "$HOME/.cofounder/snapshots/$3.copies"
python3 -I -c "$@"
code=$?
[ $code = 0 ] || python3 -I -c 'import sqlite3' 2> /dev/null || exit {NO_PYTHON}
exit $code
"""
# Argument: a name. Does what `copier` does to files, without waiting for a quiet moment.
COPY = r"""
cd "$HOME/app" || exit 1
export LC_ALL=C
list=$HOME/.cofounder/snapshots/$1
states() { xargs -0 -r stat --printf '%i %s %.9Z %.9Y %n\0' -- < "$list.tocopy" 2> /dev/null | sort -z; }
states > "$list.before"
said=$(xargs -0 -r cp -p --parents -t "$list.copies" -- < "$list.tocopy" 2>&1 | grep -a 'No space left')
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
states > "$list.after"
cd "$list.copies" || exit 1
report() {
  while IFS= read -r -d '' state; do
    path=${state#* * * * } changed=${state#* * }
    [ -f "$path" ] || continue
    sum=$(sha256sum < "$path") || continue
    printf '%s\0' "$1" "$(stat -c %a "./$path")" "${changed%% *}" \
      "$(stat -c %s "./$path")" "${sum%% *}" "$path"
  done
}
{
  comm -z -12 "$list.before" "$list.after" | report whole
  comm -z -13 "$list.before" "$list.after" | report as_read
} > "$list.report"
"""
PROGRAM = Path(copier.__file__).read_text()
FIELDS = 6


@dataclass(frozen=True)
class Listing:
    """What is on the disk. Databases are listed as their copies, without what lies beside them.

    `seen` are all paths there were; `copied` those of which there is a copy below NAME.copies; `damaged` are
    files that begin like a database and are none, or a damaged one. They are listed as they are. Without
    Python in the sandbox nothing is known of databases (`tells_databases`): they are files like any other.
    """

    files: Manifest
    seen: frozenset[str] = frozenset()
    copied: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()
    tells_databases: bool = True


@dataclass(frozen=True)
class Inspected:
    """What the sandbox wrote of its files and of its databases, if it could tell any."""

    listed: Listed
    report: bytes | None

    def listing(self) -> Listing:
        disk = self.listed.files()
        if self.report is None:
            return Listing(disk, _paths(disk), tells_databases=False)
        return _with_copies(disk, self.report)


async def list_with_databases(workspace: Workspace, name: str) -> Listing:
    """List the disk, and copy its databases. One that cannot be copied whole is listed `AS_READ`."""
    return await beside((await _inspected(workspace, name, "databases")).listing)


async def inspect(workspace: Workspace, name: str) -> Inspected:
    """Like `list_with_databases`, but no copies are kept, and a full disk is no reason to fail."""
    return await _inspected(workspace, name, "inspect")


async def _inspected(workspace: Workspace, name: str, what: str) -> Inspected:
    listed = await list_files(workspace, name)
    try:
        return Inspected(listed, await _run(workspace, name, what))
    except ScriptFailed as error:
        if error.exit_code != NO_PYTHON:
            raise
        return Inspected(listed, None)


async def copy_files(workspace: Workspace, name: str, listing: Listing, paths: Collection[str]) -> Listing:
    """Copy these files each by itself; those that are gone leave the list."""
    wanted = await beside(_to_copy, listing, paths)
    await workspace.upload(f"{STATE}/snapshots/{name}.tocopy", manifest.names(wanted))
    try:
        report = await _run(workspace, name, "files")
    except ScriptFailed as error:
        if error.exit_code != NO_PYTHON:
            raise
        await workspace.script(COPY, name)
        report = await _report(workspace, name)
    return await beside(_with_files, listing, wanted, report)


async def _run(workspace: Workspace, name: str, what: str) -> bytes:
    await workspace.script(RUN, PROGRAM, what, name)
    return await _report(workspace, name)


async def _report(workspace: Workspace, name: str) -> bytes:
    return b"".join([part async for part in workspace.download(f"{STATE}/snapshots/{name}.report")])


def _rows(report: bytes) -> Iterable[tuple[str, FileState]]:
    fields = report.split(b"\0")[:-1]
    for at in range(0, len(fields), FIELDS):
        outcome, mode, changed, size, sha256, path = fields[at : at + FIELDS]
        yield (
            outcome.decode(),
            FileState(
                path.decode(errors="surrogateescape"),
                int(size),
                sha256.decode(),
                mode.decode(),
                float(changed),
            ),
        )


def _with_copies(disk: Manifest, report: bytes) -> Listing:
    copies: dict[str, FileState] = {}
    left: set[str] = set()
    damaged: set[str] = set()
    for outcome, file in _rows(report):
        if outcome == copier.WHOLE:
            copies[file.path] = replace(file, from_backup=True)
        elif outcome == copier.BUSY:
            copies[file.path] = replace(file, copied=AS_READ)
        elif outcome == copier.DAMAGED:
            damaged.add(file.path)
        elif outcome == copier.BESIDE:
            left.add(file.path)
    files = tuple(copies.get(file.path, file) for file in disk if file.path not in left)
    databases = frozenset(copies.keys() | damaged)
    return Listing(files, _paths(disk), frozenset(copies), databases, frozenset(damaged))


def _paths(disk: Manifest) -> frozenset[str]:
    return frozenset(file.path for file in disk)


def _to_copy(listing: Listing, paths: Collection[str]) -> list[str]:
    """A database is copied already, and what lies beside it belongs to that copy."""
    wanted = {member for path in paths for member in _together(path, listing.seen)}
    return sorted(
        path for path in wanted - listing.copied if manifest.beside_of(path) not in listing.databases
    )


def _together(path: str, seen: Collection[str]) -> list[str]:
    """The file, and those with which it may be a database that nobody could tell."""
    base = manifest.beside_of(path)
    base = base if base in seen else path
    return [base, *(base + ending for ending in manifest.BESIDES if base + ending in seen)]


def _with_files(listing: Listing, wanted: Collection[str], report: bytes) -> Listing:
    outcomes = {file.path: (outcome, file) for outcome, file in _rows(report)}
    whole = {path for path, (outcome, _) in outcomes.items() if outcome == copier.WHOLE}
    found = {
        path: replace(file, copied=Copied.ALONE if whole.issuperset(_together(path, wanted)) else AS_READ)
        for path, (outcome, file) in outcomes.items()
        if outcome in (copier.WHOLE, copier.AS_READ)
    }
    listed = manifest.by_path(listing.files)
    gone = {path for path in wanted if path not in found and path in listed and listed[path].sha256}
    files = {path: file for path, file in (listed | found).items() if path not in gone}
    return replace(
        listing,
        files=tuple(sorted(files.values(), key=lambda file: file.path)),
        copied=listing.copied | found.keys(),
    )
