"""How a sandbox's first program is started: inside bubblewrap where that works, else as a plain process."""

import json
import os
import platform
import shutil
import sys
import zlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

HOME = "/home/user"
GUEST = Path(__file__).parent / "guest"
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from guest.main import main; main(*sys.argv[2:])"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
GIB = 1024**3

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

LIMITS = {
    # A limit on data, not on addresses: Node, Go and WebAssembly reserve far more addresses than they use.
    "RLIMIT_DATA": 2 * GIB,
    "RLIMIT_FSIZE": 2 * GIB,
    "RLIMIT_CPU": 3600,
    "RLIMIT_NOFILE": 4096,
    "RLIMIT_CORE": 0,
}
PROCESSES = 512


class Mode(Enum):
    """Which user the sandbox's processes run as on this machine."""

    OWN_UID = "own uid"  # the server is root: each sandbox has a user id of its own
    USER_NAMESPACE = "user namespace"  # they run as the server's user, shown as 1000 inside
    UNCONFINED = "unconfined"  # plain processes of the server's user


@dataclass(frozen=True)
class Launch:
    """A program to start: its arguments and its complete environment."""

    argv: list[str]
    env: dict[str, str]


def candidates() -> list[Mode]:
    """The confined modes worth trying, best first."""
    if os.geteuid() == 0:
        return [Mode.OWN_UID, Mode.USER_NAMESPACE]
    return [Mode.USER_NAMESPACE]


def uid_of(sandbox_id: str) -> int:
    """A user id for this sandbox alone, so that process limits are not shared between sandboxes."""
    return 20_000 + zlib.crc32(sandbox_id.encode()) % 40_000


def launch(mode: Mode, directory: Path, fd: int) -> Launch:
    """How to start the sandbox kept in directory; fd is its control socket."""
    if mode is Mode.UNCONFINED:
        home = directory / "home"
        return Launch(_python(GUEST.parent, fd, mode, str(home), None), _environment(str(home)))
    uid = uid_of(directory.name) if mode is Mode.OWN_UID else None
    guest = _python(Path("/.rehearsal"), fd, mode, HOME, uid)
    return Launch(
        [*_bubblewrap(mode), *_mounts(directory, uid or 1000), "--chdir", "/", "--", *guest],
        _environment(HOME),
    )


def prepare(mode: Mode, directory: Path) -> None:
    """Create the sandbox's directories and its own few files of /etc."""
    for name in ("home", "tmp", "etc"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    if mode is Mode.UNCONFINED:
        _keep_path_in_login_shells(directory / "home")
        return
    uid = uid_of(directory.name) if mode is Mode.OWN_UID else 1000
    for name, text in _own_etc(uid).items():
        (directory / "etc" / name).write_text(text)
    if mode is Mode.OWN_UID:
        for name in ("home", "tmp"):
            _give(directory / name, uid)


def _keep_path_in_login_shells(home: Path) -> None:
    """The machine's /etc/profile resets PATH for `bash -l`; the profile in the home sets it back."""
    profile = home / ".profile"
    if not profile.exists():
        profile.write_text('PATH="${SANDBOX_PATH:-$PATH}"\n')


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


def _bubblewrap(mode: Mode) -> list[str]:
    flags = ["bwrap", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    flags += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    flags += ["--cap-drop", "ALL"]
    if mode is Mode.OWN_UID:
        # Needed for one step only: the first program gives up root, and these capabilities with it.
        return [*flags, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*flags, "--unshare-user", "--uid", "1000", "--gid", "1000"]


def _mounts(directory: Path, uid: int) -> list[str]:
    mounts = ["--ro-bind", "/usr", "/usr"]
    # Created by hand: parents that bubblewrap creates itself are closed to everybody but root.
    parents = [*reversed(Path(sys.base_prefix).parents)][1:] if _python_is_apart() else []
    for place in (*parents, "/etc", "/home", "/run", "/var", "/.rehearsal"):
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
    mounts += ["--proc", "/proc", "--dev", "/dev", "--symlink", "../tmp", "/var/tmp"]
    mounts += ["--bind", str(directory / "tmp"), "/tmp"]
    mounts += ["--bind", str(directory / "home"), HOME]
    return [*mounts, "--remount-ro", "/"]


def _python(path: Path, fd: int, mode: Mode, home: str, uid: int | None) -> list[str]:
    interpreter = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    limits = dict(LIMITS)
    if mode is Mode.OWN_UID or (mode is Mode.USER_NAMESPACE and _processes_counted_per_namespace()):
        limits["RLIMIT_NPROC"] = PROCESSES
    config = json.dumps({"home": home, "uid": uid, "limits": limits})
    return [str(interpreter), "-I", "-S", "-B", "-c", BOOT, str(path), str(fd), config]


def _processes_counted_per_namespace() -> bool:
    """Before Linux 5.14 the limit counts every process of the user, also those outside the sandbox."""
    major, minor = platform.release().split(".")[:2]
    return (int(major), int(minor)) >= (5, 14)


def _python_is_apart() -> bool:
    return not Path(sys.base_prefix).is_relative_to("/usr")


def _environment(home: str) -> dict[str, str]:
    path = f"{sys.base_prefix}/bin:{SYSTEM_PATH}" if _python_is_apart() else SYSTEM_PATH
    return {
        "E2B_SANDBOX": "true",
        "HOME": home,
        "LANG": "C.UTF-8",
        "LOGNAME": "user",
        "PATH": path,
        "SANDBOX_PATH": path,
        "SHELL": "/bin/bash",
        "USER": "user",
    }


def bubblewrap_is_missing() -> bool:
    return shutil.which("bwrap") is None
