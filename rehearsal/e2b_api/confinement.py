"""How a sandbox's first program is started inside bubblewrap, and what it sees there of the machine."""

import json
import os
import platform
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from . import seccomp
from .bubblewrap import Mode, Way
from .limits import CPUS, SHARED_MEMORY, Limits

HOME = "/home/user"
GUEST = Path(__file__).parent / "guest"
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from guest.main import main; main(*sys.argv[2:])"
OWN_PROGRAMS = "/.rehearsal/bin"
SYSTEM_PATH = f"{OWN_PROGRAMS}:/usr/local/bin:/usr/bin:/bin"
# At E2B everybody may become root without a password. Nobody can here: a command runs as the user it is.
SUDO = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; break ;;
    -u | -g | -h | -p | -C | -D | -R | -T | -U) shift; [ $# -gt 0 ] && shift ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || exit 0
exec "$@"
"""

# What programs look up in /etc; a sandbox sees nothing else of it.
SHARED_ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki",
    "protocols",
    "services",
    "ssl",
    "terminfo",
    "timezone",
)


@dataclass(frozen=True)
class Launch:
    """A program to start: its arguments and its complete environment."""

    argv: list[str]
    env: dict[str, str]


def uid_of(sandbox_id: str) -> int:
    """A user id for this sandbox alone, so that process limits are not shared between sandboxes."""
    return 20_000 + zlib.crc32(sandbox_id.encode()) % 40_000


def launch(way: Way, limits: Limits, directory: Path, control: int, filter_: int) -> Launch:
    """How to start the sandbox kept in directory, with its control socket and the seccomp filter's file."""
    uid = uid_of(directory.name) if way.mode is Mode.OWN_UID else None
    flags = [*_bubblewrap(way), "--seccomp", str(filter_)]
    guest = _python(way.mode, limits, control, uid)
    return Launch([*flags, *_mounts(directory, uid or 1000), "--chdir", "/", "--", *guest], _environment())


def filter_file() -> int:
    """A file in memory with the seccomp filter, as a descriptor to be passed on."""
    fd = os.memfd_create("seccomp")
    os.write(fd, seccomp.program())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def cpus_of(sandbox_id: str) -> set[int]:
    """The processors it may use: at most `CPUS` of those that this server may use."""
    mine = sorted(os.sched_getaffinity(0))
    first = zlib.crc32(sandbox_id.encode()) % len(mine)
    return set((mine[first:] + mine[:first])[:CPUS])


def prepare(mode: Mode, directory: Path) -> None:
    """Create the sandbox's directories and its own few files of /etc."""
    for name in ("home", "tmp", "etc"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    uid = uid_of(directory.name) if mode is Mode.OWN_UID else 1000
    for name, text in _own_etc(uid).items():
        (directory / "etc" / name).write_text(text)
    (directory / "etc" / "sudo").write_text(SUDO)
    (directory / "etc" / "sudo").chmod(0o755)
    if mode is Mode.OWN_UID:
        for name in ("home", "tmp"):
            _give(directory / name, uid)


def _give(top: Path, uid: int) -> None:
    """Change a directory's owner, recursively where it still belongs to another user."""
    if top.stat().st_uid == uid:
        return
    for parent, directories, files in os.walk(top):
        for name in (*directories, *files):
            os.chown(Path(parent) / name, uid, uid, follow_symlinks=False)
    os.chown(top, uid, uid)


def _own_etc(uid: int) -> dict[str, str]:
    return {
        "passwd": f"root:x:0:0:root:/root:/bin/false\nuser:x:{uid}:{uid}:user:{HOME}:/bin/bash\n",
        "group": f"root:x:0:\nuser:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": "",
        "hostname": "sandbox\n",
    }


def _bubblewrap(way: Way) -> list[str]:
    flags = [str(way.program), "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    flags += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    flags += ["--cap-drop", "ALL"]
    if way.mode is Mode.OWN_UID:
        # Needed for one step only: the first program gives up root, and these capabilities with it.
        return [*flags, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    flags += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    return [*flags, "--disable-userns"] if way.closes_user_namespaces else flags


def _mounts(directory: Path, uid: int) -> list[str]:
    mounts = ["--ro-bind", "/usr", "/usr"]
    # Created by hand: parents that bubblewrap creates itself are closed to everybody but root.
    parents = [*reversed(Path(sys.base_prefix).parents)][1:] if _python_is_apart() else []
    for place in (*parents, "/etc", "/home", "/run", "/var", "/.rehearsal", OWN_PROGRAMS):
        mounts += ["--dir", str(place)]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        place = Path("/", name)
        if place.is_symlink():
            mounts += ["--symlink", str(place.readlink()), str(place)]
        elif place.exists():
            mounts += ["--ro-bind", str(place), str(place)]
    if _python_is_apart():
        mounts += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    for name in SHARED_ETC:
        mounts += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in _own_etc(uid):
        mounts += ["--ro-bind", str(directory / "etc" / name), f"/etc/{name}"]
    mounts += ["--ro-bind", str(GUEST), "/.rehearsal/guest"]
    mounts += ["--ro-bind", str(directory / "etc" / "sudo"), f"{OWN_PROGRAMS}/sudo"]
    mounts += ["--proc", "/proc", "--dev", "/dev", "--symlink", "../tmp", "/var/tmp"]
    mounts += ["--perms", "1777", "--size", str(SHARED_MEMORY), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    mounts += ["--bind", str(directory / "tmp"), "/tmp"]
    mounts += ["--bind", str(directory / "home"), HOME]
    return [*mounts, "--remount-ro", "/"]


def _python(mode: Mode, limits: Limits, control: int, uid: int | None) -> list[str]:
    interpreter = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    kept = limits.rlimits()
    if mode is Mode.OWN_UID or _processes_counted_per_namespace():
        kept["RLIMIT_NPROC"] = limits.processes
    config = json.dumps({"uid": uid, "limits": kept})
    return [str(interpreter), "-I", "-S", "-B", "-c", BOOT, "/.rehearsal", str(control), config]


def _processes_counted_per_namespace() -> bool:
    """Before Linux 5.14 the limit counts every process of the user, also those outside the sandbox."""
    major, minor = platform.release().split(".")[:2]
    return (int(major), int(minor)) >= (5, 14)


def _python_is_apart() -> bool:
    return not Path(sys.base_prefix).is_relative_to("/usr")


def _environment() -> dict[str, str]:
    path = f"{sys.base_prefix}/bin:{SYSTEM_PATH}" if _python_is_apart() else SYSTEM_PATH
    return {
        "E2B_SANDBOX": "true",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "LOGNAME": "user",
        "PATH": path,
        "SHELL": "/bin/bash",
        "USER": "user",
    }
