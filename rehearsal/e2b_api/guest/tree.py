"""The process tree from /proc, and signals to parts of it (runs inside, so standard library only)."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path


def _stats() -> dict[int, tuple[int, int]]:
    """Each live process's parent and session."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The command name may contain spaces and brackets; what follows the last bracket does not.
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                found[int(entry.name)] = (int(fields[1]), int(fields[3]))
    return found


def _below(root: int, stats: dict[int, tuple[int, int]]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in stats.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def descendants_of_this_process() -> set[int]:
    return _below(os.getpid(), _stats())


def family(leader: int) -> set[int]:
    """A command, everything it started, and everything still in its session."""
    stats = _stats()
    members = {pid for pid, (_, session) in stats.items() if session == leader} | {leader}
    return members.union(*(_below(pid, stats) for pid in members))


def send(pid: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signum)


def send_all(members: Callable[[], set[int]], signum: int) -> None:
    """Signal every member, and look again until nothing new is found: a process may fork meanwhile."""
    reached: set[int] = set()
    while new := members() - reached:
        for pid in new:
            send(pid, signum)
        reached |= new
