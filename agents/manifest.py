"""The manifest of a workspace: what a snapshot holds, and how a disk differs from it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Directories that commands make again from the rest; they are neither saved nor searched.
EXCLUDED = (
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".next",
    ".nuxt",
    ".turbo",
    ".parcel-cache",
    ".cache",
    ".gradle",
    "target",
    "bower_components",
)

# Arguments: the excluded names. Writes for every file and link, NUL between the fields, sorted by nothing:
# type, mode, seconds of the last change, size, link's target, path - and then the files' checksums.
SCRIPT = r"""
cd "$HOME/app" || exit 1
list=$HOME/.cofounder/snapshots/$1
shift
names=(-name .cofounder)
for name in "$@"; do names+=(-o -name "$name"); done
find . -mindepth 1 -type d \( "${names[@]}" \) -prune -o \( -type f -o -type l \) \
  -printf '%y\0%m\0%T@\0%s\0%l\0%P\0' > "$list.found" || exit 1
find . -mindepth 1 -type d \( "${names[@]}" \) -prune -o -type f -print0 |
  xargs -0 -r sha256sum -z -b -- > "$list.sums" 2> /dev/null
exit 0
"""
FIELDS = 6


@dataclass(frozen=True)
class FileState:
    """A file, or a link (no sha256, and `link` names the target). `mtime` is of the sandbox's clock."""

    path: str
    size: int
    sha256: str
    mode: str
    mtime: float
    link: str = ""

    def is_same_as(self, other: "FileState") -> bool:
        """Whether both have the same content and mode, whenever they were written."""
        return (self.size, self.sha256, self.mode, self.link) == (
            other.size,
            other.sha256,
            other.mode,
            other.link,
        )


Manifest = tuple[FileState, ...]


def parse(found: bytes, sums: bytes) -> Manifest:
    """What the script wrote. A file without a checksum vanished while it looked, and is left out."""
    checksums = dict(_checksum(line) for line in sums.split(b"\0") if line)
    fields = found.split(b"\0")[:-1]
    files = []
    for start in range(0, len(fields), FIELDS):
        kind, mode, mtime, size, link, path = fields[start : start + FIELDS]
        name = path.decode(errors="surrogateescape")
        if kind == b"l":
            target = link.decode(errors="surrogateescape")
            files.append(FileState(name, 0, "", "777", float(mtime), target))
        elif path in checksums:
            files.append(FileState(name, int(size), checksums[path], mode.decode(), float(mtime)))
    return tuple(sorted(files, key=lambda file: file.path))


def _checksum(line: bytes) -> tuple[bytes, str]:
    digest, _, path = line.partition(b" *./")
    return path, digest.decode()


def agreed(before: Manifest, after: Manifest) -> Manifest:
    """What was the same before and after an archive was made: what it holds for certain."""
    known = by_path(after)
    return tuple(file for file in before if file.path in known and file.is_same_as(known[file.path]))


def is_unchanged(one: Manifest, other: Manifest) -> bool:
    return len(one) == len(other) and all(
        a.path == b.path and a.is_same_as(b) for a, b in zip(one, other, strict=True)
    )


def to_restore(saved: Manifest, disk: Manifest) -> list[str]:
    """The paths that are missing, older than saved, or emptied: what a disk that lost writes looks like.

    A file that was changed after it was saved is newer work and stays.
    """
    here = by_path(disk)
    return [file.path for file in saved if _is_lost(file, here.get(file.path))]


def _is_lost(saved: FileState, now: FileState | None) -> bool:
    if now is None:
        return True
    if now.is_same_as(saved):
        return False
    was_emptied = bool(saved.size) and not now.size and not now.link
    return was_emptied or now.mtime <= saved.mtime


def by_path(files: Iterable[FileState]) -> dict[str, FileState]:
    return {file.path: file for file in files}


def to_json(files: Manifest) -> list[dict[str, Any]]:
    return [{key: value for key, value in asdict(file).items() if key != "link" or value} for file in files]


def from_json(rows: Sequence[dict[str, Any]]) -> Manifest:
    return tuple(FileState(**row) for row in rows)
