"""The manifest of a workspace: what a snapshot holds, and how a disk differs from it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from agents.sandbox.layout import ENTER

# Arguments: a name, the excluded names. Writes two lists. NAME.found has, for each file, link, empty
# directory and unreadable entry ("u", with everything below it): type, mode, change time in seconds, size,
# link target and path, each ended by NUL. NAME.sums has the checksums. A file that disappears meanwhile is
# not an error. A full disk is one: lists that were cut short would look like lost files.
SCRIPT = (
    ENTER
    + r"""
export LC_ALL=C
list=$HOME/.cofounder/snapshots/$1
shift
names=(-name "$1")
for name in "${@:2}"; do names+=(-o -name "$name"); done
said=$(find . -mindepth 1 -type d \( "${names[@]}" \) -prune -o \
  \( -type f ! -readable -o -type d \( ! -readable -o ! -executable \) \) \
  -printf 'u\0%m\0%C@\0%s\0%l\0%P\0' -prune -o \
  \( -type f -o -type l -o -type d -empty \) -printf '%y\0%m\0%C@\0%s\0%l\0%P\0' 2>&1 > "$list.found")
said=$(grep -av -e 'Permission denied$' -e 'No such file or directory$' <<< "$said" | head -n 1)
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
said=$(find . -mindepth 1 -type d \( "${names[@]}" \) -prune -o -type f -print0 2> /dev/null |
  xargs -0 -r sha256sum -z -b -- 2>&1 > "$list.sums" | grep -a 'write error')
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
exit 0
"""
)
FIELDS = 6
# Files that belong to a database of SQLite.
BESIDES = ("-wal", "-shm", "-journal")


class Copied(StrEnum):
    """How a file that was being written got into a snapshot."""

    ALONE = "alone"  # copied by itself in a moment in which nobody wrote to it
    KEPT = "kept"  # there was no such moment: it is the last whole copy of an earlier snapshot
    AS_READ = "as_read"  # there has never been one: it may be half written


@dataclass(frozen=True, slots=True)
class FileState:
    """A file, a link (no `sha256`; `link` is the target) or an empty directory (mode "d755"). Size in bytes.

    An entry without sha256 and link is unreadable: only its name is known, and it is never saved.

    `changed` is the inode's change time in seconds, by the sandbox's clock. Unlike the modification time no
    command can set it back, so a time older than the saved one means that the disk lost a write.

    Of a database (`from_backup`) size and sha256 are those of the copy that SQLite made of it, and `changed`
    is when it or its log was last written before that.
    """

    path: str
    size: int
    sha256: str
    mode: str
    changed: float
    link: str = ""
    from_backup: bool = False
    copied: str = ""  # a `Copied`, or empty

    @property
    def is_directory(self) -> bool:
        return self.mode.startswith("d")

    @property
    def is_readable(self) -> bool:
        return bool(self.sha256 or self.link or self.is_directory)

    def is_same_as(self, other: "FileState") -> bool:
        """Whether both have the same content and mode, whenever they were written."""
        return self._content() == other._content()

    def _content(self) -> tuple[int, str, str, str]:
        return self.size, self.sha256, self.mode, self.link


Manifest = tuple[FileState, ...]


def parse(found: bytes, sums: bytes) -> Manifest:
    """Read what the script wrote. A file without a checksum has disappeared or is broken, and is left out."""
    checksums = dict(_checksum(line) for line in sums.split(b"\0") if line)
    fields = found.split(b"\0")[:-1]
    entries = (_entry(fields[at : at + FIELDS], checksums) for at in range(0, len(fields), FIELDS))
    return tuple(sorted((entry for entry in entries if entry), key=lambda entry: entry.path))


def _entry(fields: list[bytes], checksums: dict[bytes, str]) -> FileState | None:
    kind, mode, changed, size, link, path = fields
    name, when = path.decode(errors="surrogateescape"), float(changed)
    if kind == b"d":
        return FileState(name, 0, "", f"d{mode.decode()}", when)
    if kind == b"l":
        return FileState(name, 0, "", "777", when, link.decode(errors="surrogateescape"))
    if kind == b"u":
        return FileState(name, 0, "", mode.decode(), when)
    if path in checksums:
        return FileState(name, int(size), checksums[path], mode.decode(), when)
    return None


def _checksum(line: bytes) -> tuple[bytes, str]:
    digest, _, path = line.partition(b" *./")
    return path, digest.decode()


def readable(disk: Manifest) -> Manifest:
    return tuple(file for file in disk if file.is_readable)


def names(paths: Iterable[str]) -> bytes:
    """Paths as a list for tar: each ended by NUL."""
    return b"".join(path.encode(errors="surrogateescape") + b"\0" for path in paths)


def is_unchanged(one: Manifest, other: Manifest) -> bool:
    return len(one) == len(other) and all(
        a.path == b.path and a.is_same_as(b) for a, b in zip(one, other, strict=True)
    )


def agreed(before: Manifest, after: Manifest) -> Manifest:
    """The files nobody wrote to between the two, so that an archive made in between certainly holds them.

    Equal content is not enough: a file may have been emptied, filled and emptied again.
    """
    known = by_path(after)
    return tuple(file for file in before if file == known.get(file.path))


def to_restore(
    saved: Manifest, disk: Manifest, damaged: Collection[str] = (), *, tells_databases: bool = True
) -> list[str]:
    """The paths that are missing, older than saved, or emptied: signs that the disk has lost writes.

    A file that was changed after it was saved is newer work and is kept, and so is an unreadable one. Of the
    `damaged` databases the last whole copy is restored. Where nobody could tell databases on the disk, one
    that is not empty is kept.
    """
    if not tells_databases:
        unknown = {file.path for file in saved if file.from_backup}
        disk = tuple(replace(file, copied=Copied.AS_READ) if file.path in unknown else file for file in disk)
    here, filled = by_path(disk), _parents(disk)
    lost = [
        file.path
        for file in saved
        if file.path not in filled
        and _is_lost(file, here.get(file.path), file.path in damaged)
        and not _is_below_file(file, here)
    ]
    return _with_their_databases(lost, disk, damaged)


def _with_their_databases(lost: list[str], disk: Manifest, damaged: Collection[str]) -> list[str]:
    """An older manifest lists what lies beside a database: restored alone, it would spoil the database."""
    databases = {file.path for file in disk if is_database(file)}.union(damaged)
    restored = set(lost)
    return [path for path in lost if (base := beside_of(path)) not in databases or base in restored]


def is_database(file: FileState) -> bool:
    """Whether it is known as a database; of a locked one there is only what was read."""
    return file.from_backup or file.copied == Copied.AS_READ


def beside_of(path: str) -> str:
    """The path of the database that a file with such a name belongs to, or nothing."""
    return next((path.removesuffix(ending) for ending in BESIDES if path.endswith(ending)), "")


def still_missing(paths: Iterable[str], saved: Manifest, disk: Manifest) -> list[str]:
    """The paths that are still not on the disk as they were saved."""
    wanted, here, filled = by_path(saved), by_path(disk), _parents(disk)
    return [
        path
        for path in paths
        if path not in filled and (path not in here or not here[path].is_same_as(wanted[path]))
    ]


def _is_lost(saved: FileState, now: FileState | None, is_damaged: bool) -> bool:
    if now is None or (is_damaged and saved.from_backup):
        return True
    if now.is_same_as(saved) or not now.is_readable:
        return False
    if saved.size and not now.size and not now.link:
        return True  # emptied
    if now.copied == Copied.AS_READ:
        return False
    # The copy of a database differs from its file, and one of the same time holds what the disk holds.
    return now.changed < saved.changed if now.from_backup else now.changed <= saved.changed


def _is_below_file(saved: FileState, here: dict[str, FileState]) -> bool:
    """Whether one of the saved file's directories is now a file, or unreadable."""
    return any(not here[parent].is_directory for parent in _parents((saved,)) if parent in here)


def _parents(disk: Manifest) -> set[str]:
    """The directories that are not empty; a manifest does not list them."""
    parents: set[str] = set()
    for file in disk:
        parent = file.path.rpartition("/")[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0]
    return parents


def by_path(files: Iterable[FileState]) -> dict[str, FileState]:
    return {file.path: file for file in files}


OPTIONAL = {"link", "from_backup", "copied"}  # not stored where empty


# A name that is not UTF-8 is stored as Latin-1 with `"bytes": true`: JSON in a database must be valid text.


def to_json(files: Manifest) -> list[dict[str, Any]]:
    return [_row(file) for file in files]


def from_json(rows: Sequence[dict[str, Any]]) -> Manifest:
    return tuple(_file(dict(row)) for row in rows)


def _row(file: FileState) -> dict[str, Any]:
    row = {key: value for key, value in asdict(file).items() if key not in OPTIONAL or value}
    try:
        f"{file.path}{file.link}".encode()
    except UnicodeEncodeError:
        row["bytes"] = True
        for key in {"path", "link"} & row.keys():
            row[key] = row[key].encode(errors="surrogateescape").decode("latin-1")
    return row


def _file(row: dict[str, Any]) -> FileState:
    if row.pop("bytes", False):
        for key in {"path", "link"} & row.keys():
            row[key] = row[key].encode("latin-1").decode(errors="surrogateescape")
    return FileState(**row)


def written_meanwhile(rows: Sequence[dict[str, Any]]) -> Manifest:
    """The databases and the files that were being written, among the rows of a stored manifest."""
    return from_json([row for row in rows if row.get("from_backup") or row.get("copied")])
