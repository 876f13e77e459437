"""Keeps each sandbox within its memory and its disk; the kernel limits only single processes and files.

Memory is measured by adding up the sandbox's processes; when it is more than allowed, the largest is killed,
as the kernel does when a machine is full. Disk is measured by adding up the sandbox's files; while it is more
than allowed and growing, all commands are killed. Uploads are refused, and what is there can be deleted.
"""

import contextlib
import os
import signal
import stat
from dataclasses import dataclass, field
from pathlib import Path

OWN_DEPTH = 2  # bubblewrap, its first process inside, and our guest are not the sandbox's commands
SLACK = 64  # the disk is measured again once this part of its limit may have been written
LONGEST_CALM = 20  # looks without a measurement of the disk


@dataclass(frozen=True)
class Member:
    """A process of a sandbox; depth counts from bubblewrap's outer process."""

    pid: int
    parent: int
    depth: int

    @property
    def is_command(self) -> bool:
        return self.depth > OWN_DEPTH


@dataclass
class Watch:
    """What was seen of one sandbox."""

    directory: Path
    memory: int
    disk: int
    is_full: bool = False
    _used: int = 0
    _free: int = -1
    _calm: int = 0

    def look(self, root: int, parents: dict[int, int]) -> None:
        """One look at the processes below root, bubblewrap's outer process, and at the files."""
        members = _members(root, parents)
        open_files = _unlinked(members)
        self._keep_memory(members, open_files)
        self._keep_disk(members, open_files)

    def _keep_memory(self, members: list[Member], open_files: "OpenFiles") -> None:
        for measure in (_resident, _share):  # the second is exact and takes longer
            sizes = {member: measure(member.pid) + open_files.memory.get(member.pid, 0) for member in members}
            if sum(sizes.values()) <= self.memory:
                return
        commands = {member: size for member, size in sizes.items() if member.is_command}
        if commands:
            _kill(max(commands, key=commands.__getitem__))

    def _keep_disk(self, members: list[Member], open_files: "OpenFiles") -> None:
        if self._is_calm():
            return
        before, self._used = self._used, files_of(self.directory) + open_files.disk
        self.is_full = self._used > self.disk
        if self.is_full and self._used > before:
            for member in members:
                if member.is_command:
                    _kill(member)

    def _is_calm(self) -> bool:
        """Whether too little was written on the whole disk since the last measurement to be worth another."""
        room = os.statvfs(self.directory)
        free = room.f_bavail * room.f_frsize
        self._calm += 1
        if not self.is_full and self._calm < LONGEST_CALM and 0 <= self._free - free < self.disk // SLACK:
            return True
        self._free, self._calm = free, 0
        return False


@dataclass
class OpenFiles:
    """Files that have no name any more and take room as long as they are open."""

    disk: int = 0
    memory: dict[int, int] = field(default_factory=dict)  # by process


def parents() -> dict[int, int]:
    """Each process's parent, on the whole machine."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                found[int(entry.name)] = _parent_of(int(entry.name))
    return found


def _parent_of(pid: int) -> int:
    # The command name may contain spaces and brackets; what follows the last bracket does not.
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def _members(root: int, parents: dict[int, int]) -> list[Member]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found = [Member(root, parents.get(root, 0), 0)]
    for member in found:
        found += [Member(child, member.pid, member.depth + 1) for child in children.get(member.pid, [])]
    return found


def _resident(pid: int) -> int:
    """Its memory without files; what a fork still shares with its parent counts for both."""
    return _fields(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))


def _share(pid: int) -> int:
    """Its memory without files, where what several processes share is divided among them."""
    return _fields(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) or _resident(pid)


def _fields(path: str, names: tuple[str, ...]) -> int:
    """The sum of these lines, in bytes; 0 for a process that has ended."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def _unlinked(members: list[Member]) -> OpenFiles:
    found, seen = OpenFiles(), set()
    for member in members:
        # A process that has ended, or one that lets nobody look.
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{member.pid}/fd"):
                with contextlib.suppress(OSError):
                    info = entry.stat()
                    if info.st_nlink or not stat.S_ISREG(info.st_mode) or (info.st_dev, info.st_ino) in seen:
                        continue
                    seen.add((info.st_dev, info.st_ino))
                    size = info.st_blocks * 512
                    if str(Path(entry.path).readlink()).startswith("/memfd:"):
                        found.memory[member.pid] = found.memory.get(member.pid, 0) + size
                    else:
                        found.disk += size
    return found


def files_of(directory: Path) -> int:
    """The room that everything below takes; a file with several names counts once."""
    total, seen, waiting = 0, set(), [str(directory)]
    while waiting:
        folder = waiting.pop()
        for entry in _listed(folder):
            with contextlib.suppress(OSError):
                info = entry.stat(follow_symlinks=False)
                if (info.st_dev, info.st_ino) not in seen:
                    seen.add((info.st_dev, info.st_ino))
                    total += info.st_blocks * 512
                if stat.S_ISDIR(info.st_mode):
                    waiting.append(entry.path)
    return total


def _listed(folder: str) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError):
        return list(os.scandir(folder))
    # Nobody hides files from being counted by closing a folder to its own owner.
    with contextlib.suppress(OSError):
        _open_up(folder)
        return list(os.scandir(folder))
    return []


def _open_up(folder: str) -> None:
    """Make a folder readable for its owner; a link that took its place in the meantime is not followed."""
    fd = os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        Path(f"/proc/self/fd/{fd}").chmod(0o700)
    finally:
        os.close(fd)


def _kill(member: Member) -> None:
    """Kill it, unless it has ended since and another process has its number."""
    with contextlib.suppress(OSError):
        fd = os.pidfd_open(member.pid)
        try:
            if _parent_of(member.pid) == member.parent:
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        finally:
            os.close(fd)
