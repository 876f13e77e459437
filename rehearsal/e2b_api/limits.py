"""How much of the machine one sandbox may use, and how each limit is kept."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIB = 1024**2
GIB = 1024**3
CPUS = 2
CPU_SECONDS = 3600
OPEN_FILES = 4096
LARGEST_FILE = 2 * GIB
SHARED_MEMORY = 256 * MIB
"""The size of /dev/shm, which is memory that belongs to no process."""


class BadLimit(ValueError):
    """A setting of the local sandbox has a value that cannot be used."""


@dataclass(frozen=True)
class Limits:
    """Of one sandbox; memory and disk are in bytes."""

    memory: int = 2 * GIB
    disk: int = 5 * GIB
    processes: int = 512
    network: bool = False  # whether public addresses can be reached, through a proxy

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Limits":
        """From `LOCAL_SANDBOX_*`; raises `BadLimit` with a sentence."""
        network = environ.get("LOCAL_SANDBOX_NETWORK") or "none"
        if network not in ("none", "public"):
            raise BadLimit(f"LOCAL_SANDBOX_NETWORK is {network!r}, but must be none or public.")
        return cls(
            memory=_number(environ, "LOCAL_SANDBOX_MEMORY_MB", cls.memory // MIB, least=128) * MIB,
            disk=_number(environ, "LOCAL_SANDBOX_DISK_MB", cls.disk // MIB, least=64) * MIB,
            processes=_number(environ, "LOCAL_SANDBOX_PROCESSES", cls.processes, least=32),
            network=network == "public",
        )

    def rlimits(self) -> dict[str, int]:
        """Those the kernel keeps for each process."""
        return {
            # On data, not on addresses: Node, Go and WebAssembly reserve far more addresses than they use.
            "RLIMIT_DATA": self.memory,
            "RLIMIT_FSIZE": min(LARGEST_FILE, self.disk),
            "RLIMIT_CPU": CPU_SECONDS,
            "RLIMIT_NOFILE": OPEN_FILES,
            "RLIMIT_CORE": 0,
        }

    def facts(self) -> dict[str, Any]:
        return {
            "cpus": min(CPUS, len(os.sched_getaffinity(0))),
            "memory_mb": self.memory // MIB,
            "disk_mb": self.disk // MIB,
            "processes": self.processes,
        }


def _number(environ: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    given = environ.get(name) or str(default)
    if not given.isascii() or not given.isdigit() or not least <= int(given) <= 10**9:
        raise BadLimit(f"{name} is {given!r}, but must be a whole number from {least}.")
    return int(given)
