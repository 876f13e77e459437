"""What a command cannot do when bubblewrap confines it."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from e2b import CommandExitException, FileNotFoundException

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


async def refused(sandbox: Any, command: str) -> str:
    """The output of a command that must fail."""
    with pytest.raises(CommandExitException) as failure:
        await sandbox.commands.run(command)
    return str(failure.value.stderr)


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


@pytest.mark.parametrize("path", ["/new", "/usr/new", "/etc/new", "/etc/passwd", "/bin/new", "/home/new"])
async def test_the_system_is_read_only(sandbox: Any, path: str) -> None:
    await refused(sandbox, f"echo x >> {path}")


async def test_home_and_tmp_are_writable(sandbox: Any) -> None:
    await sandbox.commands.run("echo x > /home/user/file && echo x > /tmp/file && echo x > /var/tmp/f")
    assert await sandbox.files.read("/tmp/file") == "x\n"


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


async def test_a_fork_bomb_meets_a_limit(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/forks.py", FORKS)
    done = await sandbox.commands.run("python3 forks.py")
    assert 100 < int(done.stdout) < 600


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
