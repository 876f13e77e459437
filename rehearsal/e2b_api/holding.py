"""What confines commands on this machine: tried with a sandbox in each way, and said in plain words."""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bubblewrap, seccomp
from .bubblewrap import Mode, Way
from .errors import ConfinementUnavailable
from .guest_link import GuestLink
from .limits import CPU_SECONDS, Limits

SYSCTLS = (
    # How user namespaces are switched off: the file, its value that refuses them, and what allows them again.
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
)
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
CONTAINER_FIX = (
    "Start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined`, so that it may make sandboxes of its own"
)


@dataclass(frozen=True)
class Holding:
    """Which way works here, if any, and what was tried before it: never nothing where there is no way."""

    limits: Limits
    way: Way | None
    failures: tuple[str, ...] = ()  # one for each program that was tried and does not work
    fix: str = ""

    @property
    def sentence(self) -> str:
        """For everybody who wants to know how commands are confined."""
        if self.way is None:
            return "Nothing can be built: the local sandbox cannot confine commands on this machine."
        network = "with the public network only" if self.limits.network else "without network"
        return f"Commands run in the local sandbox: confined on this machine, {network}."

    @property
    def refusal(self) -> str:
        """Why no sandbox is created, and what to do."""
        return f"{self.sentence} {self.failures[-1]} {self.fix}"

    def facts(self) -> dict[str, Any]:
        """As `/rehearsal/health` tells it."""
        told: dict[str, Any] = {"confined": self.way is not None, "sentence": self.sentence}
        if self.failures:
            told["tried"] = list(self.failures)
        if self.way is None:
            return {**told, "reason": self.failures[-1], "fix": self.fix}
        return {
            **told,
            "bubblewrap": str(self.way.program),
            "origin": self.way.origin,
            "mode": self.way.mode.value,
            "seccomp": True,
            "user_namespaces": "closed",
            "limits": {**self.limits.facts(), "cpu_seconds_per_process": CPU_SECONDS},
            "network": "public addresses" if self.limits.network else "none",
        }


async def find(scratch: Path, limits: Limits, ways: Iterable[Way] | None = None) -> Holding:
    """Try the ways until one works and holds."""
    if not seccomp.is_known(platform.machine()):
        said = f"There is no filter of system calls for this processor ({platform.machine()})."
        return Holding(limits, None, (said,), "Set E2B_API_KEY to build in E2B's sandboxes.")
    failures: dict[Path, str] = {}
    for way in bubblewrap.ways() if ways is None else ways:
        try:
            await _try(way, limits, scratch)
        except ConfinementUnavailable as error:
            failures[way.program] = f"{_named(way)} does not work here: {error}."
        else:
            return Holding(limits, way, tuple(said for path, said in failures.items() if path != way.program))
    missing = "bubblewrap (bwrap) is not installed."
    return Holding(limits, None, tuple(failures.values()) or (missing,), fix(found=bool(failures)))


async def _try(way: Way, limits: Limits, scratch: Path) -> None:
    """Start a sandbox and look from inside; raises `ConfinementUnavailable`."""
    link = await GuestLink.boot(way, limits, scratch)
    try:
        seen, _ = await link.call("examine")
    finally:
        await link.end()
    for holds, said in (
        (seen["uid"] != 0 or way.mode is Mode.USER_NAMESPACE, "commands run as root"),
        (seen["capabilities"] == 0, "commands keep rights of root"),
        (seen["no_new_privileges"], "commands can gain rights"),
        (seen["seccomp"], "system calls are not filtered"),
        (not seen["makes_user_namespaces"], "user namespaces can be made inside"),
        (seen["networks"] == ["lo"], "it shares the machine's network"),
        (seen["first_process"], "it shares the machine's processes"),
    ):
        if not holds:
            raise ConfinementUnavailable(f"{said} in its sandbox")


def _named(way: Way) -> str:
    return f"The system's {way.program}" if way.origin == "system" else "The bubblewrap of this install"


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:  # this kernel does not have it, or a container hides it
        return ""


def fix(*, found: bool, sysctl: Callable[[str], str] = _sysctl) -> str:
    """The one thing to do about it, on a machine whose kernel has these settings."""
    instead = "or set E2B_API_KEY to build in E2B's sandboxes; then start again."
    if not found:
        return f"Install bubblewrap (`apt-get install bubblewrap`), {instead}"
    return f"{next(_causes(sysctl), 'Allow user namespaces on this machine')}, {instead}"


def _causes(sysctl: Callable[[str], str]) -> Iterator[str]:
    for name, refusing, mending in SYSCTLS:
        if sysctl(name) == refusing:
            yield f"Run `sudo sysctl -w {mending}`"
    if any(Path(mark).exists() for mark in CONTAINER_MARKS):
        yield CONTAINER_FIX
