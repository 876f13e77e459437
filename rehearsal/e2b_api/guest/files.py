"""The files of a sandbox, accessed from inside it, so that no link can lead out of it.

Uses only the standard library, because it runs inside.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HOME = "/home/user"

Reply = tuple[dict[str, Any], list[int]]


class Files:
    """Operations by name; each raises OSError when the caller's request is wrong."""

    def __init__(self) -> None:
        plain: dict[str, Callable[..., Reply]] = {
            "open": self.open_file,
            "create": self.create,
            "stat": self.describe,
            "list": self.list_dir,
            "mkdir": self.mkdir,
            "move": self.move,
            "remove": self.remove,
        }
        self.ops = {name: self.as_root(op) for name, op in plain.items()}

    def as_root(self, op: Callable[..., Reply]) -> Callable[..., Reply]:
        """At E2B root accesses the files, and is refused nothing; here what is closed is opened meanwhile."""

        def run(fds: list[int], **request: Any) -> Reply:
            try:
                return op(fds, **request)
            except PermissionError:
                names = (request[key] for key in ("path", "source", "destination") if key in request)
                with opened([self.at(name) for name in names]):
                    return op(fds, **request)

        return run

    def at(self, path: str) -> Path:
        """A caller's path as an absolute one."""
        if path == "~" or path.startswith("~/"):
            path = HOME + path[1:]
        return Path(os.path.normpath(Path(HOME, path)))

    def open_file(self, fds: list[int], path: str) -> Reply:
        # Non-blocking: opening a named pipe must not block the whole sandbox.
        fd = os.open(self.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, f"path '{path}' is not a file")
        return {"size": info.st_size}, [fd]

    def create(self, fds: list[int], path: str) -> Reply:
        target = self.at(path)
        if target.is_dir():
            raise OSError(errno.EINVAL, f"path '{path}' is a directory")
        target.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
        return {"path": str(target), "name": target.name}, [fd]

    def describe(self, fds: list[int], path: str) -> Reply:
        return {"entry": entry_info(self.at(path))}, []

    def list_dir(self, fds: list[int], path: str, depth: int) -> Reply:
        top = self.at(path)
        if not top.is_dir():
            top.stat()
            raise OSError(errno.EINVAL, f"path '{path}' is not a directory")
        return {"entries": list(walk(top, max(depth, 1)))}, []

    def mkdir(self, fds: list[int], path: str) -> Reply:
        target = self.at(path)
        if os.path.lexists(target) and not target.is_dir():
            raise OSError(errno.EINVAL, f"path '{path}' already exists but it is not a directory")
        target.mkdir(parents=True)
        return self.describe(fds, path)

    def move(self, fds: list[int], source: str, destination: str) -> Reply:
        target = self.at(destination)
        self.at(source).lstat()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.at(source).rename(target)
        return self.describe(fds, destination)

    def remove(self, fds: list[int], path: str) -> Reply:
        target = self.at(path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        return {}, []


@contextlib.contextmanager
def opened(paths: list[Path]) -> Iterator[None]:
    """Let the owner into files and folders that are closed to it, as long as this lasts."""
    closed: list[tuple[Path, int]] = []
    try:
        for place in [place for path in paths for place in (*reversed(path.parents), path)]:
            with contextlib.suppress(OSError):
                info = place.stat()
                mode, needed = stat.S_IMODE(info.st_mode), 0o700 if stat.S_ISDIR(info.st_mode) else 0o600
                if info.st_uid == os.getuid() and mode & needed != needed:
                    place.chmod(mode | needed)
                    closed.append((place, mode))
        yield
    finally:
        for place, mode in reversed(closed):
            with contextlib.suppress(FileNotFoundError):  # it was moved or removed
                place.chmod(mode)


def walk(top: Path, depth: int) -> Iterator[dict[str, Any]]:
    with os.scandir(top) as entries:
        names = sorted(entries, key=lambda entry: entry.name)
    for entry in names:
        with contextlib.suppress(FileNotFoundError):
            yield entry_info(Path(entry))
        if depth > 1 and entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(PermissionError, FileNotFoundError):
                yield from walk(Path(entry), depth - 1)


def entry_info(path: Path) -> dict[str, Any]:
    """One entry in envd's JSON format; a link describes its target and says that it is a link."""
    own = path.lstat()
    info = own
    link: dict[str, Any] = {}
    if stat.S_ISLNK(own.st_mode):
        link = {"symlinkTarget": text(path.readlink()), "isSymlink": True}
        with contextlib.suppress(OSError):
            info = path.stat()
    return {
        "name": text(Path(path.name)),
        "type": file_type(info.st_mode),
        "path": text(path),
        "size": str(info.st_size),
        "mode": stat.S_IMODE(info.st_mode),
        "permissions": stat.filemode(info.st_mode),
        "owner": "user",
        "group": "user",
        "modifiedTime": datetime.fromtimestamp(info.st_mtime, UTC).isoformat().replace("+00:00", "Z"),
        **link,
    }


def file_type(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "FILE_TYPE_DIRECTORY"
    if stat.S_ISLNK(mode):
        return "FILE_TYPE_SYMLINK"
    return "FILE_TYPE_FILE"


def text(name: Path) -> str:
    """A name that JSON can represent, even if its bytes are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")
