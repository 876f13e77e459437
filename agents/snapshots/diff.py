"""The differences between two snapshots: which files differ, and for text files a diff of their lines.

The list of files comes from the manifests alone. The lines come from the archives, which are read as streams:
memory holds the texts of one page, each of at most `LARGEST_TEXT` bytes.
"""

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import IO

from agents.line_diff import unified_diff
from agents.models import Snapshot
from agents.output import cut_to_bytes
from agents.snapshots import manifest
from agents.snapshots.code_zip import DamagedCode, opened
from agents.snapshots.manifest import FileState, Manifest

LARGEST_TEXT = 100_000  # bytes; a larger file is not compared line by line
LONGEST_DIFF = 20_000  # bytes; the middle of a longer one is cut out
LONGEST_PAGE = 1_000_000  # bytes of all diffs on a page; the files after that have none
HISTORY = ".git"


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Omitted(StrEnum):
    """Why a change has no diff."""

    BINARY = "binary"
    TOO_LARGE = "too_large"
    PAGE_FULL = "page_full"


PAGE_FULL = Omitted.PAGE_FULL


@dataclass(frozen=True)
class Change:
    """A file that differs. Sizes are bytes, None where there is no file.

    `diff` is a unified diff; it is empty when only the mode changed and None when it was left out.
    """

    path: str
    kind: Kind
    size_before: int | None
    size_after: int | None
    diff: str | None = None
    omitted: Omitted | None = None

    @property
    def name(self) -> str:
        """The path as text; bytes that are not UTF-8 are replaced."""
        return self.path.encode(errors="surrogateescape").decode(errors="replace")


def between(
    before: Snapshot | None, after: Snapshot, *, offset: int = 0, limit: int = 50
) -> tuple[list[Change], int]:
    """A page of the changes from `before` (None: an empty workspace) to `after`, and their total number.

    Raises `DamagedCode` when an archive cannot be read.
    """
    files_before = _files(before)
    files_after = _files(after)
    changes = compare(files_before, files_after)
    page = changes[offset : offset + limit]
    old = _texts(before, files_before, [change.path for change in page])
    new = _texts(after, files_after, [change.path for change in page])
    return list(_with_diffs(page, old, new)), len(changes)


def compare(before: Manifest, after: Manifest) -> list[Change]:
    """The files that were added, removed or changed, sorted by path; without `.git` and empty directories."""
    old, new = _shown(before), _shown(after)
    return [
        change
        for path in sorted(old.keys() | new.keys())
        if (change := _change(path, old.get(path), new.get(path))) is not None
    ]


def _shown(files: Manifest) -> dict[str, FileState]:
    return {
        file.path: file
        for file in files
        if not file.is_directory and file.path != HISTORY and not file.path.startswith(f"{HISTORY}/")
    }


def _change(path: str, old: FileState | None, new: FileState | None) -> Change | None:
    if old is None and new is not None:
        return Change(path, Kind.ADDED, None, new.size)
    if new is None and old is not None:
        return Change(path, Kind.REMOVED, old.size, None)
    if old is None or new is None or old.is_same_as(new):
        return None
    return Change(path, Kind.CHANGED, old.size, new.size)


def _files(snapshot: Snapshot | None) -> Manifest:
    return manifest.from_json(snapshot.manifest) if snapshot is not None else ()


# Lines


def _texts(snapshot: Snapshot | None, files: Manifest, paths: Sequence[str]) -> dict[str, bytes | Omitted]:
    """The contents of the files at these paths; `Omitted` for a file too large to compare."""
    known = manifest.by_path(files)
    wanted = {path: known[path] for path in paths if path in known}
    texts: dict[str, bytes | Omitted] = {
        path: f"link to {file.link}\n".encode(errors="surrogateescape") if file.link else Omitted.TOO_LARGE
        for path, file in wanted.items()
        if file.link or file.size > LARGEST_TEXT
    }
    missing = wanted.keys() - texts.keys()
    if snapshot is not None and missing:
        texts |= _extracted(snapshot, missing)
        if missing - texts.keys():
            raise DamagedCode
    return texts


def _extracted(snapshot: Snapshot, paths: Iterable[str]) -> dict[str, bytes | Omitted]:
    with opened(snapshot) as source:
        return dict(_contents(source, set(paths)))


def _contents(source: IO[bytes], paths: set[str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=source, mode="r|gz", errors="surrogateescape") as tar:
        for member in tar:
            if member.name in paths and member.isfile() and (content := tar.extractfile(member)):
                yield member.name, content.read(LARGEST_TEXT)
                paths.discard(member.name)
            if not paths:
                return


def _with_diffs(
    page: Sequence[Change], old: dict[str, bytes | Omitted], new: dict[str, bytes | Omitted]
) -> Iterator[Change]:
    room = LONGEST_PAGE
    for change in page:
        diff = _diff(change, old.get(change.path, b""), new.get(change.path, b"")) if room > 0 else PAGE_FULL
        if isinstance(diff, Omitted):
            yield replace(change, omitted=diff)
            continue
        room -= len(diff.encode())
        yield replace(change, diff=diff) if room >= 0 else replace(change, omitted=PAGE_FULL)


def _diff(change: Change, old: bytes | Omitted, new: bytes | Omitted) -> str | Omitted:
    if isinstance(old, Omitted):
        return old
    if isinstance(new, Omitted):
        return new
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        return Omitted.BINARY
    names = (
        "/dev/null" if change.kind == Kind.ADDED else f"a/{change.name}",
        "/dev/null" if change.kind == Kind.REMOVED else f"b/{change.name}",
    )
    lines = unified_diff(before, after, *names, line_end="\n")
    return cut_to_bytes("".join(map(_ended, lines)), LONGEST_DIFF)


def _ended(line: str) -> str:
    """A line of a diff with its end; only a file's last line may have none."""
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str] | None:
    """The lines of a text; None if it is not text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
