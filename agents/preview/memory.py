"""How much memory a process takes with everything it has started. Of Linux; elsewhere nothing is known."""

import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
KEPT = re.compile(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)


def processes(mark: str) -> list[int]:
    """The process with this argument and all below it, itself first."""
    children: dict[int, list[int]] = defaultdict(list)
    tops: list[int] = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            number = int(folder.name)
            # The name, in parentheses, may contain anything.
            children[int((folder / "stat").read_text().rpartition(")")[2].split()[1])].append(number)
            if mark.encode() in (folder / "cmdline").read_bytes():
                tops.append(number)
    below = {child for top in tops for child in children[top]}
    found = [top for top in tops if top not in below]
    for process in found:  # grows on the way
        found += [child for child in children[process] if child not in found]
    return found


def used(mark: str) -> int:
    """In bytes, without what is mapped from files. What several processes share counts once."""
    total = 0
    for process in processes(mark):
        with suppress(OSError):
            rollup = (PROC / str(process) / "smaps_rollup").read_text()
            total += sum(map(int, KEPT.findall(rollup))) * 1024
    return total
