"""Which bubblewrap is taken, and what is said where none works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from e2b import SandboxException

from rehearsal.e2b_api import bubblewrap, holding
from rehearsal.e2b_api.bubblewrap import Mode, Way
from rehearsal.e2b_api.holding import Holding
from rehearsal.e2b_api.limits import Limits
from tests.rehearsal.e2b_server import E2BServer, serve

pytestmark = pytest.mark.services


def put_on_path(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = directory / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


async def found(directory: Path) -> Holding:
    return await holding.find(directory / "probe", Limits())


async def test_without_bubblewrap_on_path_the_brought_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    holds = await found(tmp_path)
    assert holds.way is not None
    assert (holds.way.origin, holds.way.program) == ("wheel", bubblewrap.brought_program())
    assert holds.failures == ()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions to create"),
        ("exit 0", "ended at once"),
    ],
)
async def test_a_system_s_bubblewrap_that_fails_is_named_and_the_brought_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    program = put_on_path(tmp_path, script, monkeypatch)
    async with serve(tmp_path) as server:
        health = await server.health()
        sandbox = await server.sandboxes.create()
        assert (await sandbox.commands.run("echo built")).stdout == "built\n"
    assert (health["origin"], health["bubblewrap"]) == ("wheel", str(bubblewrap.brought_program()))
    (tried,) = health["tried"]
    assert str(program) in tried
    assert said in tried


async def test_a_bubblewrap_that_confines_nothing_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts what it is told to start, as a plain process of the machine."""
    outside = Path(holding.__file__).parent
    script = (
        f'while [ "$1" != -- ]; do shift; done; shift\nexec "$1" "$2" "$3" "$4" "$5" "$6" {outside} "$8" "$9"'
    )
    put_on_path(tmp_path, script, monkeypatch)
    holds = await found(tmp_path)
    assert holds.way is not None
    assert holds.way.origin == "wheel"
    (tried,) = holds.failures
    assert tried.endswith("in its sandbox.")


async def without_any(server: E2BServer) -> str:
    with pytest.raises(SandboxException) as refusal:
        await server.sandboxes.create()
    return str(refusal.value)


async def test_where_nothing_works_no_sandbox_is_created_and_the_fix_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    for ways, said in (
        ([Way(broken, "wheel", Mode.USER_NAMESPACE)], "setting up uid map: Permission denied"),
        ([], "bubblewrap (bwrap) is not installed"),
    ):
        async with serve(tmp_path / str(len(ways)), ways=ways) as server:
            health = await server.health()
            refusal = await without_any(server)
        assert health["confined"] is False
        assert health["sentence"].startswith(
            "Nothing can be built: the local sandbox cannot confine commands"
        )
        assert said in health["reason"]
        assert refusal.endswith(f"{health['sentence']} {health['reason']} {health['fix']}")
        assert "E2B_API_KEY" in health["fix"]
        assert not list((tmp_path / str(len(ways)) / "sandboxes").iterdir())


async def test_a_program_that_is_no_program_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("not a program")
    ways = [Way(tmp_path / "bwrap", "system", Mode.USER_NAMESPACE)]
    holds = await holding.find(tmp_path / "probe", Limits(), ways)
    assert holds.way is None
    assert "cannot be started (Permission denied)" in holds.refusal


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_kernel_s_refusal_is_mended_by_one_command(name: str, value: str, command: str) -> None:
    said = holding.fix(found=True, sysctl=lambda asked: value if asked == name else "")
    assert said.startswith(f"Run `sudo sysctl -w {command}`, or set E2B_API_KEY")


def test_a_missing_bubblewrap_is_to_be_installed() -> None:
    assert holding.fix(found=False).startswith("Install bubblewrap (`apt-get install bubblewrap`), or set")


def test_the_system_s_comes_first_and_root_prefers_users_of_their_own() -> None:
    ways = list(bubblewrap.ways())
    origins = [way.origin for way in ways]
    assert origins == sorted(origins)
    assert ways[-1] == Way(ways[-1].program, "wheel", Mode.USER_NAMESPACE)


UNDER_A_PROFILE = """
import ctypes, os, sys
from rehearsal.e2b_api import seccomp
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
steps = seccomp.program()
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.byref(Program(len(steps) // 8, steps)), 0, 0) == 0  # PR_SET_SECCOMP
os.execv(sys.executable, [sys.executable, "-m", "rehearsal", "--try-sandbox"])
"""


def test_in_a_container_that_refuses_namespaces_bubblewrap_is_there_and_nothing_is_run() -> None:
    """The profile is our own filter: like a container's, it lets nobody make a namespace."""
    command = [sys.executable, "-c", UNDER_A_PROFILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    assert told["confined"] is False
    assert "bubblewrap" not in told  # none that is used
    assert all("does not work here: bwrap: " in tried for tried in told["tried"])
    assert (
        told["sentence"] == "Nothing can be built: the local sandbox cannot confine commands on this machine."
    )
