"""What a command cannot do: every way out that was tried, and the limits."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from e2b import CommandExitException, FileNotFoundException, NotEnoughSpaceException

from rehearsal.e2b_api import bubblewrap, seccomp, warden
from rehearsal.e2b_api.bubblewrap import Mode, Way
from rehearsal.e2b_api.limits import MIB, Limits
from tests.rehearsal.e2b_server import E2BServer, eventually, serve

pytestmark = pytest.mark.services

DIAL = "python3 -c 'import socket; socket.create_connection((\"{host}\", {port}), timeout=3)'"

FORKS = """
import os, signal, time
children = []
try:
    while len(children) < 1000:
        if not (child := os.fork()):
            time.sleep(60)
        children.append(child)
except BlockingIOError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
print(len(children))
"""


# Everything that the filter refuses, called with nothing; and calls that would work without the filter.
CALLS = """
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return "" if libc.syscall(number, *arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
def opened(family):
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""
def may(path, mode):
    try:
        open(path, mode).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""
numbers = NUMBERS
print(json.dumps({
    "refused": {name: call(number, 0, 0, 0, 0, 0, 0) for name, number in numbers["refused"].items()},
    "clone": call(numbers["clone"], 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": call(numbers["clone3"], 0, 0),
    "unshare": call(numbers["unshare"], 0x10000000),
    "families": [opened(family) for family in (17, 38, 40)],
    "guest": [may("/proc/2/mem", "r+b"), may("/proc/2/environ", "rb")],
}))
"""


def _ways() -> list[Way]:
    """The first that is taken here, and the brought bubblewrap as an ordinary user would have it."""
    first = next(bubblewrap.ways())
    return [first, Way(bubblewrap.brought_program() or first.program, "wheel", Mode.USER_NAMESPACE)]


@pytest.fixture(params=_ways(), ids=lambda way: f"{way.origin}, {way.mode.value}")
async def each_sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with serve(tmp_path, ways=[request.param]) as server:
        await server.need_confinement()
        yield await server.sandboxes.create(timeout=300)


async def refused(sandbox: Any, command: str) -> str:
    """The output of a command that must fail."""
    with pytest.raises(CommandExitException) as failure:
        await sandbox.commands.run(command)
    return str(failure.value.stderr)


async def test_the_kernel_s_depths_are_closed(each_sandbox: Any) -> None:
    column = seccomp.ARCHITECTURES[os.uname().machine][0]
    numbers = {name: numbers[column] for name, numbers in seccomp.JUDGED_BY_ARGUMENTS.items()}
    refused = {name: pair[column] for name, pair in seccomp.REFUSED.items() if pair[column] is not None}
    script = CALLS.replace("NUMBERS", repr({**numbers, "refused": refused}))
    await each_sandbox.files.write("/home/user/calls.py", script)
    seen = json.loads((await each_sandbox.commands.run("python3 calls.py")).stdout)
    assert seen["refused"] == dict.fromkeys(refused, "EPERM")
    assert (seen["clone"], seen["clone3"], seen["unshare"]) == ("EPERM", "ENOSYS", "EPERM")
    assert seen["families"] == ["EAFNOSUPPORT"] * 3
    assert seen["guest"] == ["EACCES"] * 2


@pytest.mark.parametrize(
    "command",
    [
        "unshare --user --map-root-user true",
        "unshare --net true",
        "mount -t tmpfs none /tmp",
        "mount --bind /usr /tmp",
        "chroot / true",
        "mknod /tmp/sda b 8 0",
        "echo 1 > /proc/sys/kernel/panic",
        "echo c > /proc/sysrq-trigger",
        "dd if=/dev/zero of=/dev/new count=1",
        "kill -9 1",
    ],
)
async def test_what_would_change_the_machine_fails(sandbox: Any, command: str) -> None:
    await refused(sandbox, command)
    assert (await sandbox.commands.run("echo alive")).stdout == "alive\n"


async def test_threads_processes_and_pipes_work_as_anywhere(each_sandbox: Any) -> None:
    script = (
        "import concurrent.futures as f, multiprocessing as m, subprocess as s\n"
        "with f.ThreadPoolExecutor(4) as pool: print(sum(pool.map(int, '1234')))\n"
        "with m.get_context('fork').Pool(2) as pool: print(sum(pool.map(int, '1234')))\n"
        "print(s.run('echo 1 | cat', shell=True, capture_output=True, text=True).stdout, end='')\n"
    )
    await each_sandbox.files.write("/home/user/work.py", script)
    assert (await each_sandbox.commands.run("python3 work.py")).stdout == "10\n10\n1\n"


async def test_nothing_outside_is_reached(sandbox: Any) -> None:
    said = await refused(sandbox, DIAL.format(host="1.1.1.1", port=53))
    assert "unreachable" in said


async def test_a_server_on_the_host_is_not_reached(sandbox: Any) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        said = await refused(sandbox, DIAL.format(host="127.0.0.1", port=port))
    assert "refused" in said


async def test_two_apps_and_the_machine_listen_on_the_same_port(server: E2BServer) -> None:
    """Also when the site itself has that port: each sandbox has ports of its own."""
    with socket.create_server(("127.0.0.1", 0)) as site:
        port = site.getsockname()[1]
        first, second = await asyncio.gather(*(server.sandboxes.create() for _ in range(2)))
        for sandbox, name in ((first, "first"), (second, "second")):
            await sandbox.files.write("/home/user/app/index.html", name)
            serving = f"cd app && python3 -m http.server {port}"
            await sandbox.commands.run(serving, background=True, timeout=0)

        async def shown(sandbox: Any) -> str:
            return (await server.preview(sandbox.get_host(port))).text

        for sandbox, name in ((first, "first"), (second, "second")):

            async def is_shown(sandbox: Any = sandbox, name: str = name) -> bool:
                return await shown(sandbox) == name

            assert await eventually(is_shown)


async def test_sockets_of_the_machine_are_not_reached(server: E2BServer) -> None:
    """Neither by a name in the kernel nor by a path, as PostgreSQL and Redis have one."""
    sandbox = await server.sandboxes.create()
    await refused(sandbox, "test -e /run/postgresql || test -e /var/run/postgresql")
    path = server.data_dir / "s"
    with socket.socket(socket.AF_UNIX) as by_name, socket.socket(socket.AF_UNIX) as by_path:
        by_name.bind("\0a-name-of-the-machine")
        by_path.bind(str(path))
        for listening, address in ((by_name, "\\0a-name-of-the-machine"), (by_path, str(path))):
            listening.listen()
            ask = f"import socket; socket.socket(socket.AF_UNIX).connect('{address}')"
            said = await refused(sandbox, f'python3 -c "{ask}"')
            assert "ConnectionRefused" in said or "FileNotFound" in said


@pytest.mark.parametrize("path", ["/new", "/usr/new", "/etc/new", "/etc/passwd", "/bin/new", "/home/new"])
async def test_the_system_is_read_only(sandbox: Any, path: str) -> None:
    await refused(sandbox, f"echo x >> {path}")


async def test_home_and_tmp_are_writable(sandbox: Any) -> None:
    await sandbox.commands.run("echo x > /home/user/file && echo x > /tmp/file && echo x > /var/tmp/f")
    assert await sandbox.files.read("/tmp/file") == "x\n"


async def test_another_sandbox_s_files_are_closed_to_everybody_else(server: E2BServer) -> None:
    """The record holds the token of its access."""
    sandbox = await server.sandboxes.create()
    directory = server.data_dir / "sandboxes" / sandbox.sandbox_id
    assert directory.stat().st_mode & 0o077 == 0


async def test_the_hosts_files_are_not_seen(server: E2BServer) -> None:
    secret = server.data_dir / "secret"
    secret.write_text("secret")
    sandbox = await server.sandboxes.create()
    for path in (
        "/root/.ssh",
        "/root/.bashrc",
        "/etc/shadow",
        "/var/log",
        str(secret),
        str(Path.home() / ".profile"),
    ):
        await refused(sandbox, f"cat {path} || ls {path}")
        assert not await sandbox.files.exists(path)


async def test_a_link_out_of_home_leads_nowhere(server: E2BServer) -> None:
    secret = server.data_dir / "secret"
    secret.write_text("secret")
    sandbox = await server.sandboxes.create()
    await sandbox.commands.run(f"ln -s {secret} link; ln -s {server.data_dir} folder")
    for path in ("link", "folder/secret"):
        with pytest.raises(FileNotFoundException):
            await sandbox.files.read(path)
    assert secret.read_text() == "secret"


async def test_the_servers_environment_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "very-secret")
    async with serve(tmp_path) as server:
        sandbox = await server.sandboxes.create()
        done = await sandbox.commands.run("env; cat /proc/*/environ | tr '\\0' '\\n'")
    assert "very-secret" not in done.stdout


async def test_processes_of_the_host_are_not_seen(sandbox: Any) -> None:
    done = await sandbox.commands.run("ls -d /proc/[0-9]* | wc -l")
    assert int(done.stdout) < 10


async def test_a_command_is_an_ordinary_user_without_rights(sandbox: Any) -> None:
    done = await sandbox.commands.run("id -u; whoami; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    uid, name, capabilities, no_new = done.stdout.splitlines()
    assert (int(uid) > 0, name) == (True, "user")
    assert int(capabilities.split()[1], 16) == 0
    assert no_new.split()[1] == "1"


async def test_a_memory_hog_ends_and_the_server_lives(sandbox: Any) -> None:
    said = await refused(sandbox, "python3 -c 'x = bytearray(4 * 2**30)'")
    assert "MemoryError" in said
    assert (await sandbox.commands.run("echo alive")).stdout == "alive\n"


ONE_OF_MANY = "import time; kept = bytearray(b'x') * ({size} * 2**20); time.sleep(60)"


async def test_processes_share_one_limit_of_memory(tmp_path: Path) -> None:
    """None of them is too large, but all together are: the machine keeps its memory."""
    async with serve(tmp_path, limits=Limits(memory=256 * MIB)) as server:
        await server.need_confinement()
        sandbox = await server.sandboxes.create()
        await sandbox.files.write("/home/user/one.py", ONE_OF_MANY.format(size=100))
        with pytest.raises(CommandExitException) as killed:
            await sandbox.commands.run(
                "for i in 1 2 3 4; do python3 one.py & done; wait -n; code=$?; kill $(jobs -p); exit $code"
            )
        assert killed.value.exit_code == 137
        assert (await sandbox.commands.run("echo alive")).stdout == "alive\n"


async def test_memory_without_a_process_s_name_on_it_is_counted(tmp_path: Path) -> None:
    script = (
        "import mmap, os, time\n"
        "shared = mmap.mmap(-1, 200 * 2**20); shared.write(b'x' * (200 * 2**20))\n"
        "files = [os.memfd_create('m') for _ in range(2)]\n"
        "for fd in files: os.write(fd, b'x' * (100 * 2**20))\n"
        "time.sleep(60)"
    )
    async with serve(tmp_path, limits=Limits(memory=256 * MIB)) as server:
        await server.need_confinement()
        sandbox = await server.sandboxes.create()
        await sandbox.files.write("/home/user/hidden.py", script)
        with pytest.raises(CommandExitException) as killed:
            await sandbox.commands.run("python3 hidden.py; exit $?")
        assert killed.value.exit_code == 137


async def test_shared_memory_is_small(sandbox: Any) -> None:
    said = await refused(sandbox, "head -c 300M /dev/zero > /dev/shm/much")
    assert "No space left" in said


FILL = "i=0; while [ $i -lt 100 ]; do head -c 8M /dev/zero > much-$i; i=$((i+1)); sleep 0.02; done"


async def test_a_disk_that_is_full_ends_what_fills_it_and_can_be_cleared(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=Limits(disk=64 * MIB)) as server:
        await server.need_confinement()
        sandbox = await server.sandboxes.create()
        with pytest.raises(CommandExitException):
            await sandbox.commands.run(FILL)
        home = tmp_path / "sandboxes" / sandbox.sandbox_id / "home"
        assert 64 * MIB < warden.files_of(home) < 700 * MIB
        with pytest.raises(NotEnoughSpaceException):
            await sandbox.files.write("/home/user/more", "x")
        await sandbox.commands.run("rm much-*")

        async def has_room_again() -> bool:
            try:
                await sandbox.files.write("/home/user/more", "x")
            except NotEnoughSpaceException:
                return False
            return True

        assert await eventually(has_room_again)


async def test_a_file_without_a_name_takes_room_too(tmp_path: Path) -> None:
    script = "exec 3> gone; rm gone; while true; do head -c 8M /dev/zero >&3; sleep 0.02; done"
    async with serve(tmp_path, limits=Limits(disk=64 * MIB)) as server:
        await server.need_confinement()
        sandbox = await server.sandboxes.create()
        with pytest.raises(CommandExitException):
            await sandbox.commands.run(f"ulimit -f unlimited; {script}")


async def test_a_fork_bomb_meets_a_limit(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/forks.py", FORKS)
    done = await sandbox.commands.run("python3 forks.py")
    assert 100 < int(done.stdout) < 600


async def test_commands_stay_on_the_processors_they_were_given(sandbox: Any) -> None:
    given = (await sandbox.commands.run("nproc")).stdout
    assert 1 <= int(given) <= 2
    await refused(sandbox, "taskset -c 0 true")


async def test_a_file_cannot_grow_without_end(sandbox: Any) -> None:
    done = await sandbox.commands.run("ulimit -f; ulimit -t; ulimit -c")
    assert [line.isdigit() for line in done.stdout.split()] == [True, True, True]


async def test_commands_of_one_sandbox_share_a_network_and_tmp(sandbox: Any) -> None:
    serving = "cd /tmp && echo shared > page && python3 -m http.server 8000"
    await sandbox.commands.run(serving, background=True, timeout=0)
    ask = "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://localhost:8000/page\").read())'"

    async def answers() -> bool:
        try:
            return "shared" in (await sandbox.commands.run(ask)).stdout
        except CommandExitException:
            return False

    assert await eventually(answers)


async def test_two_sandboxes_do_not_see_each_other(server: E2BServer) -> None:
    first, second = await asyncio.gather(*(server.sandboxes.create() for _ in range(2)))
    await first.commands.run("echo mine > /tmp/mine; echo mine > ~/mine")
    assert not await second.files.exists("/tmp/mine")
    assert not await second.files.exists("/home/user/mine")


async def test_the_server_can_read_and_change_what_a_command_made(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    await sandbox.files.write("/home/user/from-api", "x")
    await sandbox.commands.run("echo y >> from-api; umask 077; echo z > private")
    home = server.data_dir / "sandboxes" / sandbox.sandbox_id / "home"
    assert (home / "from-api").read_text() == "xy\n"
    assert (home / "private").read_text() == "z\n"
    (home / "private").write_text("changed outside")
    assert (await sandbox.commands.run("cat private")).stdout == "changed outside"


async def test_no_process_outlives_the_server(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        sandbox = await server.sandboxes.create()
        for script in ("sleep 54321", "setsid nohup sleep 54321 >/dev/null 2>&1 & sleep 54321"):
            await sandbox.commands.run(script, background=True, timeout=0)
        await eventually(lambda: len(_sleepers()) >= 3)
    await eventually(lambda: not _sleepers())


def _sleepers() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if command == b"sleep\x0054321\0":
            found.append(entry.name)
    return found
