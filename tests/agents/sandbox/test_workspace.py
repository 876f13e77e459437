import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable

import pytest

from agents.errors import SandboxFull, SandboxGone, SandboxTaken
from agents.output import Output
from agents.sandbox.layout import STATE
from agents.sandbox.provider import kill, url_of
from agents.sandbox.workspace import Workspace
from agents.turns import ToolFailure
from tests.agents.conftest import OpenWorkspace

pytestmark = pytest.mark.services


async def until(check: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not await check():
        assert time.monotonic() < deadline, f"not within {within} s"
        await asyncio.sleep(0.05)


async def grows(workspace: Workspace, path: str) -> bool:
    """Whether a file's content changes within half a second."""
    before = await workspace.read(path)
    await asyncio.sleep(0.5)
    return await workspace.read(path) != before


TICKS = "while :; do echo x >> ticks; sleep 0.05; done"


async def test_what_is_written_is_read_back_byte_by_byte(workspace: Workspace) -> None:
    content = bytes(range(256)) * 100
    await workspace.write("a dir/ünï\ncode.bin", content)
    assert await workspace.read("a dir/ünï\ncode.bin") == content


async def test_a_missing_file_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(FileNotFoundError):
        await workspace.read("nothing.txt")


async def test_a_command_gives_its_streams_its_order_and_its_exit_code(workspace: Workspace) -> None:
    result = await workspace.run("echo one; sleep 0.2; echo two >&2; sleep 0.2; pwd; exit 3")
    assert (result.exit_code, result.stderr) == (3, "two\n")
    assert result.output.startswith("one\ntwo\n")
    assert result.output.endswith("/app\n")


async def test_the_founders_secrets_reach_commands_and_the_commands_own_variable_does_not(
    open_workspace: OpenWorkspace,
) -> None:
    workspace = await open_workspace(envs={"TOKEN": "tok-123456"})
    result = await workspace.run('echo "$TOKEN ${COFOUNDER_COMMAND-none} $EXTRA"', env={"EXTRA": "more"})
    assert result.stdout == "tok-123456 none more\n"


async def test_a_timeout_ends_the_whole_process_group(workspace: Workspace) -> None:
    result = await workspace.run(f"({TICKS}) & ({TICKS}); echo never", timeout=1)
    assert result.timed_out
    assert "never" not in result.output
    assert not await grows(workspace, "ticks")


async def test_a_cancelled_command_is_ended_with_all_it_started(workspace: Workspace) -> None:
    task = asyncio.create_task(workspace.run(f"({TICKS}) & wait"))

    async def ticks() -> bool:
        return (await workspace.look("ticks")).kind == "file"

    await until(ticks)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await grows(workspace, "ticks")


async def test_a_command_that_ignores_the_polite_signal_is_ended_too(workspace: Workspace) -> None:
    result = await workspace.run(f"trap '' TERM; {TICKS}", timeout=0.7)
    assert result.timed_out
    assert not await grows(workspace, "ticks")


async def test_a_group_that_is_ended_before_it_begins_never_begins(workspace: Workspace) -> None:
    await workspace.end_group("later-1")
    handle = await workspace._start("later-1", "touch begun", False, {}, Output())
    await asyncio.wait([handle._wait], timeout=10)
    assert (await workspace.look("begun")).kind == ""


async def test_a_background_command_returns_at_once_and_goes_on(workspace: Workspace) -> None:
    started = time.monotonic()
    result = await workspace.run(f"echo hello; {TICKS}", background=True)
    assert time.monotonic() - started < 5

    async def said() -> bool:
        log = await workspace.script(f"cat .cofounder/logs/{result.group}.log")
        return "hello" in log and await grows(workspace, "ticks")

    await until(said)
    assert await workspace.is_alive(result.group)
    await workspace.end_group(result.group)
    assert not await workspace.is_alive(result.group)


async def test_a_new_epoch_ends_what_older_ones_left_but_not_the_app(
    open_workspace: OpenWorkspace,
) -> None:
    job = uuid.uuid4()
    old = await open_workspace(job_id=job)
    left = await old.run("sleep 1000", background=True)
    app = await old.run("sleep 1000", background=True, kind="app")

    async def begun() -> bool:
        return await old.is_alive(left.group) and await old.is_alive(app.group)

    await until(begun)
    new = await open_workspace(job_id=job, epoch=2, sandbox_id=old.sandbox_id)
    assert not new.is_new
    assert not await new.is_alive(left.group)
    assert await new.is_alive(app.group)
    await new.end_kind("app")
    assert not await new.is_alive(app.group)


async def test_an_older_epoch_can_no_longer_do_anything(open_workspace: OpenWorkspace) -> None:
    job = uuid.uuid4()
    old = await open_workspace(job_id=job)
    new = await open_workspace(job_id=job, epoch=2, sandbox_id=old.sandbox_id)
    result = await old.run("touch from-the-past")
    assert result.exit_code == 143
    for deed in (old.write("from-the-past", b""), old.pause(), old.end_all_groups()):
        with pytest.raises(SandboxTaken):
            await deed
    assert (await new.run("ls")).stdout == ""  # awake, and without a trace of the command
    with pytest.raises(SandboxTaken):
        await open_workspace(job_id=job, epoch=1, sandbox_id=old.sandbox_id)


async def test_a_worker_that_died_before_saving_the_id_leaves_no_second_sandbox(
    open_workspace: OpenWorkspace,
) -> None:
    job, project = uuid.uuid4(), uuid.uuid4()
    first = await open_workspace(job_id=job, project_id=project)
    again = await open_workspace(job_id=job, project_id=project, epoch=2)
    assert again.sandbox_id == first.sandbox_id


async def test_a_sandbox_that_is_gone_is_replaced(open_workspace: OpenWorkspace) -> None:
    job, project = uuid.uuid4(), uuid.uuid4()
    first = await open_workspace(job_id=job, project_id=project)
    await kill(first.sandbox_id)
    with pytest.raises(SandboxGone):
        await first.run("true")
    second = await open_workspace(job_id=job, project_id=project, epoch=2, sandbox_id=first.sandbox_id)
    assert second.is_new
    assert second.sandbox_id != first.sandbox_id
    await kill(second.sandbox_id)
    # The id was never saved, so the key still leads to the dead sandbox.
    third = await open_workspace(job_id=job, project_id=project, epoch=3, sandbox_id=first.sandbox_id)
    assert (await third.run("echo alive")).stdout == "alive\n"


async def test_a_paused_sandbox_wakes_with_its_files_and_processes(
    open_workspace: OpenWorkspace,
) -> None:
    job = uuid.uuid4()
    workspace = await open_workspace(job_id=job)
    app = await workspace.run(TICKS, background=True, kind="app")
    await workspace.write("kept.txt", b"kept")
    await workspace.pause()
    woken = await open_workspace(job_id=job, epoch=2, sandbox_id=workspace.sandbox_id)
    assert await woken.read("kept.txt") == b"kept"
    assert await woken.is_alive(app.group)
    await woken.extend()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "/home/user/apple", "x\0y"])
async def test_paths_outside_the_workspace_are_refused(workspace: Workspace, path: str) -> None:
    with pytest.raises(ToolFailure):
        await workspace.look(path)


async def test_links_that_lead_out_are_refused_and_links_inside_are_followed(workspace: Workspace) -> None:
    await workspace.run("ln -s /etc/passwd out; ln -s .. up; mkdir d; echo in > d/f; ln -s d/f within")
    for path in ("out", "up", "up/.bashrc", "out/x"):
        with pytest.raises(ToolFailure) as refused:
            await workspace.write(path, b"")
        assert refused.value.error_type == "outside_workspace"
    assert await workspace.read("within") == b"in\n"
    assert (await workspace.look("/home/user/app/d/f")).path == "d/f"


async def test_a_flood_of_output_keeps_its_beginning_and_its_end(workspace: Workspace) -> None:
    result = await workspace.run("echo first; seq 400000; echo last")
    assert result.stdout.startswith("first\n1\n2\n")
    assert result.stdout.endswith("400000\nlast\n")
    assert "characters left out" in result.stdout
    assert len(result.stdout) < 600_000


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("8000-abc.e2b.app", False),
        ("8000-abc.localhost:49999", True),
        ("127.0.0.1", True),
        ("8000-abc.localhost", True),
        ("e2b.internal:8080", True),
    ],
)
def test_only_hosts_of_the_machine_are_reached_without_tls(host: str, local: bool) -> None:
    assert url_of(host) == f"{'http' if local else 'https'}://{host}"


async def test_a_full_disk_is_told(workspace: Workspace) -> None:
    await workspace.script('ln -s /dev/full "$HOME/.cofounder/full"')
    with pytest.raises(SandboxFull):
        await workspace.upload(f"{STATE}/full", b"x")
