"""Runs inside the sandbox: makes whole copies of files that others are writing. Needs nothing but Python 3.8.

Arguments: `databases` or `files`, and a name. Copies every SQLite database that NAME.found lists, or the
files that NAME.tocopy lists, to the same paths below NAME.copies. NAME.report tells how it went, each field
ended by NUL: outcome, mode, change time in seconds, size, SHA-256, path. `inspect` is like `databases`, but
keeps no copy, and needs no room for one: what cannot be copied is told as busy.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

# The outcomes.
WHOLE = "whole"
AS_READ = "as_read"  # it changed under every attempt: the bytes as they were read
GONE = "gone"
BUSY = "busy"  # a database that is locked, and written as well: the bytes of its file as they were read
DAMAGED = "damaged"  # no database inside, or one that SQLite calls damaged; nothing is copied
BESIDE = "beside"  # belongs to a database; what it holds is in the copy

HEADER = b"SQLite format 3\0"
SMALLEST = 512  # bytes of a database
BESIDES = (b"-wal", b"-shm", b"-journal")
WRITTEN = (b"", b"-wal", b"-journal")  # the files that hold what is committed
FIELDS = 6  # of an entry in NAME.found
CHUNK = 1024 * 1024
LOCK_SECONDS = 3.0  # to wait for a lock on one database
CHECK_SECONDS = 30.0  # a copy whose check takes longer counts as whole: it was made under SQLite's own lock
FILE_SECONDS = 0.5  # to wait for a quiet moment of one file
ABSENT_SECONDS = 0.05  # to wait for one that is not there: it may be about to be written anew
ALL_SECONDS = 60.0  # for all waiting
STILL_SECONDS = 0.02  # file systems count time in ticks: a write less than one ago may not show
# What the check says of rows that break a rule of their table: the file is not damaged.
BROKEN_RULE = re.compile(r"(NULL|NUMERIC|TEXT|non-\w+) value in |CHECK constraint failed in ")


class Copied(NamedTuple):
    outcome: str
    path: bytes
    mode: int = 0
    changed: int = 0  # nanoseconds
    size: int = 0
    sha256: str = ""

    def row(self) -> bytes:
        changed = f"{self.changed // 10**9}.{self.changed % 10**9:09d}"
        fields = (self.outcome, f"{stat.S_IMODE(self.mode):o}", changed, str(self.size), self.sha256)
        return b"".join(field.encode() + b"\0" for field in fields) + self.path + b"\0"


class Busy(Exception):
    """Somebody else has it locked, or writes to it."""


class Clock:
    """The time that is left for waiting."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def limit(self, seconds: float) -> float:
        """When a wait of this length ends."""
        return min(time.monotonic() + seconds, self._end)


# Databases


def databases(
    found: bytes, copies: bytes, clock: Clock, copy: Callable[[bytes, bytes, Clock], Copied] | None = None
) -> Iterator[Copied]:
    fields = found.split(b"\0")
    listed = {
        fields[at + 5]: int(fields[at + 3]) for at in range(0, len(fields) - 1, FIELDS) if fields[at] == b"f"
    }
    for path, size in sorted(listed.items()):
        if size >= SMALLEST and is_database(path):
            yield (copy or copy_database)(path, os.path.join(copies, path), clock)
            for ending in BESIDES:
                if path + ending in listed:
                    yield Copied(BESIDE, path + ending)


def inspect(found: bytes, copies: bytes, clock: Clock) -> Iterator[Copied]:
    for copied in databases(found, copies, clock, inspect_database):
        remove(os.path.join(copies, copied.path))
        yield copied


def inspect_database(path: bytes, target: bytes, clock: Clock) -> Copied:
    try:
        return copy_database(path, target, clock)
    except OSError:
        return Copied(BUSY, path, size=os.stat(path).st_size)


def is_database(path: bytes) -> bool:
    """Judged by its content: a database may have any name."""
    try:
        with open(path, "rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


def copy_database(path: bytes, target: bytes, clock: Clock) -> Copied:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    remove(target)
    try:
        before, changed = os.stat(path), changed_at(path)
        try:
            back_up(path, target, clock)
            check(target)
        except (Busy, sqlite3.OperationalError) as error:
            remove(target)
            if "full" in str(error):  # SQLite's words for a full disk
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            size, sha256 = copy_bytes(path, target)
            dress(target, before)
            return Copied(BUSY, path, before.st_mode, changed, size, sha256)
        except sqlite3.DatabaseError:
            remove(target)
            return Copied(DAMAGED, path)
        dress(target, before)
        return Copied(WHOLE, path, before.st_mode, changed, os.stat(target).st_size, sum_of(target))
    except (FileNotFoundError, PermissionError):
        return Copied(GONE, path)


def changed_at(path: bytes) -> int:
    """When the database was last written, in nanoseconds: what is committed may be in its log alone.

    Of the log it is the modification time: SQLite gives it an owner, which is a change, when root reads it.
    """
    changed = os.stat(path).st_ctime_ns
    log = state_of(path + b"-wal")
    return max(changed, log[3]) if log and log[1] else changed


def back_up(path: bytes, target: bytes, clock: Clock) -> None:
    """Copy it by SQLite's own backup. Raises `Busy`, or SQLite's errors.

    It is only read. One that logs ahead and has no log is opened as a file that nobody writes, as SQLite
    would leave files beside it otherwise. That, and a copy of all its files, counts if nothing was written
    meanwhile.
    """
    uri = "file:" + quote(os.path.abspath(path))
    if logs_ahead(path) and not os.path.exists(path + b"-wal"):
        try:
            with standing_still(path):
                run_backup(uri + "?mode=ro&immutable=1", target, clock)
            return
        except Busy:
            remove(target)
    try:
        run_backup(uri + "?mode=ro", target, clock)
    except (Busy, sqlite3.OperationalError):
        # Locked, to be rolled back first, or in a directory that may not be written.
        remove(target)
        apart = target + b".apart"
        try:
            with standing_still(path):
                for each in WRITTEN:
                    if os.path.exists(path + each):
                        copy_bytes(path + each, apart + each)
            run_backup("file:" + quote(apart), target, clock)
        finally:
            for each in (*WRITTEN, b"-shm"):
                remove(apart + each)


def run_backup(uri: str, target: bytes, clock: Clock) -> None:
    end = clock.limit(LOCK_SECONDS)

    def progress(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3_busy, sqlite3_locked) and time.monotonic() > end:
            raise Busy

    source = sqlite3.connect(uri, uri=True, timeout=0.2)
    try:
        copy = sqlite3.connect(os.fsdecode(target))
        try:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            source.backup(copy, pages=-1, progress=progress, sleep=0.01)
        finally:
            copy.close()
    finally:
        source.close()


sqlite3_busy, sqlite3_locked = 5, 6  # named in Python from 3.11 on


def check(copy: bytes) -> None:
    """Raises `sqlite3.DatabaseError` for a database that is damaged."""
    end = time.monotonic() + CHECK_SECONDS
    connection = sqlite3.connect("file:" + quote(copy) + "?mode=ro&immutable=1", uri=True)
    try:
        connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    except sqlite3.OperationalError:  # out of time, or a module for its tables is not here
        return
    finally:
        connection.close()
    if any(line != "ok" and not BROKEN_RULE.match(line) for line in said):
        raise sqlite3.DatabaseError(said[0])


def logs_ahead(path: bytes) -> bool:
    with open(path, "rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


class standing_still:  # noqa: N801  # used as a statement
    """Raises `Busy` if the database's files were written meanwhile, or just before."""

    def __init__(self, path: bytes) -> None:
        self._files = [path + ending for ending in WRITTEN]

    def __enter__(self) -> None:
        self._before = list(map(state_of, self._files))
        time.sleep(STILL_SECONDS)
        self._compare()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._compare()

    def _compare(self) -> None:
        if list(map(state_of, self._files)) != self._before:
            raise Busy


# Other files


def files(names: bytes, copies: bytes, clock: Clock) -> Iterator[Copied]:
    for path in names.split(b"\0")[:-1]:
        yield copy_file(path, os.path.join(copies, path), clock)


def copy_file(path: bytes, target: bytes, clock: Clock) -> Copied:
    """Copy a file in a moment in which nobody writes to it; of one that only grows, what it held at first."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    end, absent = clock.limit(FILE_SECONDS), clock.limit(ABSENT_SECONDS)
    last = Copied(GONE, path)  # what the copy holds
    while True:
        try:
            copied = attempt(path, target)
        except FileNotFoundError:
            copied = Copied(GONE, path)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            return Copied(GONE, path)  # a link or a directory by now, or no longer to be read
        if copied.outcome == WHOLE and copied.size:  # an empty one is probably being written anew
            return copied
        if copied.outcome != GONE:
            last = copied
        if time.monotonic() > (end if last.outcome == AS_READ else absent):
            return last
        time.sleep(0.001)


def attempt(path: bytes, target: bytes) -> Copied:
    with open(path, "rb", opener=without_links) as source:
        before = os.fstat(source.fileno())
        if not stat.S_ISREG(before.st_mode):
            return Copied(GONE, path)
        size, sha256 = copy_bytes(source, target, before.st_size)
        after = os.fstat(source.fileno())
        is_whole = size == before.st_size and (
            state(before) == state(after)
            # Read twice and the same: these bytes were there at the moment between the two.
            or (after.st_size >= size and sum_of_first(source, size) == sha256)
        )
    dress(target, before)
    outcome = WHOLE if is_whole else AS_READ
    return Copied(outcome, path, before.st_mode, before.st_ctime_ns, size, sha256)


def without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


# Bytes


def copy_bytes(source: bytes | BinaryIO, target: bytes, most: int | None = None) -> tuple[int, str]:
    """Copy a file, at most so many bytes; returns the size and the SHA-256 of the copy."""
    if isinstance(source, bytes):
        with open(source, "rb") as opened:
            return copy_bytes(opened, target, most)
    digest, size = hashlib.sha256(), 0
    with open(target, "wb") as copy:
        while data := source.read(CHUNK if most is None else min(CHUNK, most - size)):
            digest.update(data)
            copy.write(data)
            size += len(data)
    return size, digest.hexdigest()


def sum_of_first(source: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    source.seek(0)
    while data := source.read(min(CHUNK, size)):
        digest.update(data)
        size -= len(data)
    return digest.hexdigest()


def sum_of(path: bytes) -> str:
    with open(path, "rb") as file:
        return sum_of_first(file, os.fstat(file.fileno()).st_size)


def state(of: os.stat_result) -> tuple[int, int, int, int]:
    return of.st_ino, of.st_size, of.st_ctime_ns, of.st_mtime_ns


def state_of(path: bytes) -> tuple[int, int, int, int] | None:
    try:
        return state(os.stat(path))
    except OSError:
        return None


def dress(copy: bytes, source: os.stat_result) -> None:
    os.chmod(copy, stat.S_IMODE(source.st_mode))
    os.utime(copy, ns=(source.st_atime_ns, source.st_mtime_ns))


def remove(path: bytes) -> None:
    for each in (path, path + b"-journal"):
        if os.path.exists(each):
            os.remove(each)


WORK = {"databases": databases, "inspect": inspect, "files": files}


def main(what: str, name: str) -> None:
    made = os.path.join(os.path.expanduser("~"), ".cofounder", "snapshots", name)
    copies = os.fsencode(made + ".copies")
    os.chdir(os.path.expanduser("~/app"))
    with open(made + (".tocopy" if what == "files" else ".found"), "rb") as given:
        work = WORK[what](given.read(), copies, Clock(ALL_SECONDS))
    with open(made + ".report", "wb") as report:
        report.writelines(copied.row() for copied in work)


if __name__ == "__main__":
    main(*sys.argv[1:])
