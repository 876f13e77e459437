"""Commands through the real SDK: output, exit codes, environments, time limits, input, reconnecting."""

import asyncio
import contextlib
import time
from typing import Any

import httpx
import pytest
from e2b import CommandExitException, NotFoundException, SandboxException, TimeoutException

from tests.rehearsal.e2b_server import E2BServer, eventually

pytestmark = pytest.mark.services


async def test_a_command_gives_its_output_and_its_exit_code(sandbox: Any) -> None:
    done = await sandbox.commands.run("echo out; echo err >&2")
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 0)


async def test_a_failing_command_raises_with_code_and_output(sandbox: Any) -> None:
    with pytest.raises(CommandExitException) as failure:
        await sandbox.commands.run("echo before; exit 3")
    assert (failure.value.exit_code, failure.value.stdout) == (3, "before\n")


async def test_output_arrives_while_the_command_runs(sandbox: Any) -> None:
    seen: list[tuple[str, float]] = []
    start = time.monotonic()
    await sandbox.commands.run(
        "echo one; sleep 0.6; echo two; sleep 0.6; echo three",
        on_stdout=lambda text: seen.append((text.strip(), time.monotonic() - start)),
    )
    assert [text for text, _ in seen] == ["one", "two", "three"]
    assert seen[1][1] - seen[0][1] > 0.4
    assert seen[2][1] - seen[1][1] > 0.4


async def test_stderr_is_streamed_apart(sandbox: Any) -> None:
    errors: list[str] = []
    await sandbox.commands.run("echo quiet; echo loud >&2", on_stderr=errors.append)
    assert errors == ["loud\n"]


async def test_environments_of_sandbox_and_command_are_joined(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create(envs={"A": "sandbox", "B": "sandbox"})
    done = await sandbox.commands.run('echo "$A $B $HOME"', envs={"B": "command"})
    assert done.stdout.split()[:2] == ["sandbox", "command"]


async def test_the_working_directory_is_the_one_asked_for(sandbox: Any) -> None:
    await sandbox.files.make_dir("/home/user/app/src")
    done = await sandbox.commands.run("pwd; touch here", cwd="/home/user/app/src")
    assert done.stdout.strip().endswith("/app/src")
    assert await sandbox.files.exists("/home/user/app/src/here")


async def test_a_missing_working_directory_is_said_so(sandbox: Any) -> None:
    with pytest.raises(SandboxException, match="does not exist"):
        await sandbox.commands.run("true", cwd="/home/user/nowhere")


async def test_a_user_may_be_named(sandbox: Any) -> None:
    assert (await sandbox.commands.run("echo ok", user="root")).stdout == "ok\n"


async def test_python_and_its_library_are_there(sandbox: Any) -> None:
    done = await sandbox.commands.run("python3 -c 'import sqlite3, http.server; print(6 * 7)'")
    assert done.stdout == "42\n"


async def test_a_timeout_ends_the_command_and_its_grandchildren(sandbox: Any) -> None:
    script = "(bash -c 'while :; do date +%s%N > beat; sleep 0.05; done' & wait) & wait"
    with pytest.raises(TimeoutException):
        await sandbox.commands.run(script, timeout=1, cwd="/home/user")

    async def heart_has_stopped() -> bool:
        beat = await sandbox.files.read("/home/user/beat")
        await sandbox.commands.run("sleep 0.3")
        return bool(beat == await sandbox.files.read("/home/user/beat"))

    await eventually(heart_has_stopped, within=5)


async def test_a_background_command_is_left_and_joined_again(sandbox: Any) -> None:
    script = "while [ ! -e /home/user/go ] && [ ! -e go ]; do sleep 0.05; done; echo went; exit 4"
    started = await sandbox.commands.run(script, background=True, timeout=0)
    await started.disconnect()
    assert [process.pid for process in await sandbox.commands.list()] == [started.pid]
    joined = await sandbox.commands.connect(started.pid)
    await sandbox.files.write("/home/user/go", "")
    with pytest.raises(CommandExitException) as failure:
        await joined.wait()
    assert (failure.value.stdout, failure.value.exit_code) == ("went\n", 4)


async def test_listening_for_a_while_does_not_end_the_command(sandbox: Any) -> None:
    started = await sandbox.commands.run("sleep 60", background=True, timeout=0)
    joined = await sandbox.commands.connect(started.pid, timeout=1)
    with pytest.raises(TimeoutException):
        await joined.wait()
    assert [process.pid for process in await sandbox.commands.list()] == [started.pid]


async def test_killing_a_command_ends_it_once(sandbox: Any) -> None:
    started = await sandbox.commands.run("sleep 60 & sleep 61", background=True)
    assert await started.kill()
    with pytest.raises(CommandExitException) as failure:
        await started.wait()
    assert failure.value.exit_code == -1
    assert not await started.kill()


@pytest.mark.parametrize("name", ["SIGNAL_SIGTERM", "SIGNAL_SIGKILL"])
async def test_a_signal_cuts_the_output_at_once(server: E2BServer, sandbox: Any, name: str) -> None:
    """Also where a process that left the command's session still holds the pipe."""
    script = "trap 'echo last words' TERM; setsid sh -c 'while :; do echo x; sleep 0.05; done' & wait; wait"
    heard: list[str] = []
    started = await sandbox.commands.run(script, background=True, timeout=0, on_stdout=heard.append)
    await eventually(lambda: heard)
    await _signal(server, sandbox, started.pid, name)
    with contextlib.suppress(CommandExitException):
        await asyncio.wait_for(started.wait(), 10)
    assert "last words" not in "".join(heard)


async def _signal(server: E2BServer, sandbox: Any, pid: int, name: str) -> None:
    """What the SDK sends for `kill`, with a signal of one's own."""
    headers = {
        "E2b-Sandbox-Id": sandbox.sandbox_id,
        "X-Access-Token": sandbox._envd_access_token,
        "Host": f"localhost:{server.port}",
    }
    body = {"process": {"pid": pid}, "signal": name}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        (await client.post("/process.Process/SendSignal", json=body)).raise_for_status()


async def test_sudo_is_there(sandbox: Any) -> None:
    done = await sandbox.commands.run("sudo -n -u root GREETING=hello sh -c 'echo $GREETING $0'; sudo -v")
    assert done.stdout == "hello sh\n"


async def test_an_unknown_process_cannot_be_joined(sandbox: Any) -> None:
    with pytest.raises(NotFoundException):
        await sandbox.commands.connect(987654)


async def test_input_is_fed_and_closed(sandbox: Any) -> None:
    counting = await sandbox.commands.run("cat -n", background=True, stdin=True)
    await sandbox.commands.send_stdin(counting.pid, "first\n")
    await counting.send_stdin("second\n")
    await sandbox.commands.close_stdin(counting.pid)
    done = await counting.wait()
    assert [line.split() for line in done.stdout.splitlines()] == [["1", "first"], ["2", "second"]]


async def test_without_stdin_a_reading_command_sees_the_end(sandbox: Any) -> None:
    assert (await sandbox.commands.run("cat; echo over")).stdout == "over\n"


async def test_twenty_megabytes_stream_through(sandbox: Any) -> None:
    sizes: list[int] = []

    async def slow(text: str) -> None:
        sizes.append(len(text))
        await asyncio.sleep(0)

    await sandbox.commands.run(
        "head -c 20000000 /dev/zero | tr '\\0' x", on_stdout=slow, retain_output=False, timeout=120
    )
    assert sum(sizes) == 20_000_000


async def test_output_nobody_reads_does_not_stop_the_command(sandbox: Any) -> None:
    script = "head -c 5000000 /dev/zero; touch done"
    started = await sandbox.commands.run(script, background=True, timeout=0, cwd="/home/user")
    await started.disconnect()
    await eventually(lambda: sandbox.files.exists("/home/user/done"))


async def test_many_commands_run_at_once(sandbox: Any) -> None:
    runs = (sandbox.commands.run(f"sleep 0.2; echo {number}") for number in range(20))
    done = await asyncio.gather(*runs)
    assert [each.stdout.strip() for each in done] == [str(number) for number in range(20)]
