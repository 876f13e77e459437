"""Sandboxes through the real SDK: created, found, extended, paused, resumed and killed."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from e2b import NotFoundException, SandboxNotRunningException, SandboxQuery, SandboxState

from rehearsal.e2b_api.key import kept_key
from tests.rehearsal.e2b_server import E2BServer, eventually

pytestmark = pytest.mark.services

BEATING = "while :; do date +%s%N > beat; sleep 0.05; done"


async def listed(server: E2BServer, **query: Any) -> list[str]:
    paginator = server.sandboxes.list(query=SandboxQuery(**query))
    return [sandbox.sandbox_id for sandbox in await paginator.next_items()]


async def test_a_new_sandbox_tells_about_itself(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create(
        metadata={"session": "s 1", "ü": "&="}, timeout=120, allow_internet_access=False
    )
    info = await sandbox.get_info()
    assert info.sandbox_id == sandbox.sandbox_id
    assert info.metadata == {"session": "s 1", "ü": "&="}
    assert info.state == SandboxState.RUNNING
    assert info.allow_internet_access is False
    assert timedelta(seconds=100) < info.end_at - datetime.now(UTC) <= timedelta(seconds=120)
    assert await sandbox.is_running()


async def test_the_host_names_port_and_sandbox(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    assert sandbox.get_host(8000) == f"8000-{sandbox.sandbox_id}.localhost:{server.port}"


async def test_the_same_idempotency_key_gives_the_same_sandbox(server: E2BServer) -> None:
    create = server.sandboxes.create
    made = await asyncio.gather(*(create(idempotency_key="session-1") for _ in range(5)))
    other = await create(idempotency_key="session-2")
    assert len({sandbox.sandbox_id for sandbox in made}) == 1
    assert other.sandbox_id != made[0].sandbox_id


async def test_sandboxes_are_found_by_metadata_and_state(server: E2BServer) -> None:
    create = server.sandboxes.create
    first = await create(metadata={"project": "a b", "kind": "x"})
    second = await create(metadata={"project": "c&d", "kind": "x"})
    await second.pause()
    assert await listed(server, metadata={"project": "a b"}) == [first.sandbox_id]
    assert await listed(server, metadata={"project": "c&d", "kind": "x"}) == [second.sandbox_id]
    assert await listed(server, state=[SandboxState.PAUSED]) == [second.sandbox_id]
    assert await listed(server) == [second.sandbox_id, first.sandbox_id]


async def test_a_long_list_comes_in_pages(server: E2BServer) -> None:
    made = [(await server.sandboxes.create()).sandbox_id for _ in range(5)]
    pages = server.sandboxes.list(limit=2, order="asc")
    found = []
    while pages.has_next:
        found.append([sandbox.sandbox_id for sandbox in await pages.next_items()])
    assert found == [made[:2], made[2:4], made[4:]]


async def test_pausing_freezes_the_processes_and_resuming_continues_them(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    beat = server.data_dir / "sandboxes" / sandbox.sandbox_id / "home" / "beat"
    started = await sandbox.commands.run(f"setsid bash -c '{BEATING}' & wait", background=True, timeout=0)
    await eventually(beat.exists)
    assert await sandbox.pause()
    frozen = beat.read_text()
    await asyncio.sleep(0.4)
    assert beat.read_text() == frozen
    await sandbox.connect()
    await eventually(lambda: beat.read_text() not in ("", frozen))
    assert [process.pid for process in await sandbox.commands.list()] == [started.pid]


async def test_pausing_twice_says_so(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    assert await sandbox.pause()
    assert not await sandbox.pause()


async def test_a_paused_sandbox_refuses_work_until_connected(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    await sandbox.pause()
    assert not await sandbox.is_running()
    with pytest.raises(SandboxNotRunningException):
        await sandbox.commands.run("true")
    with pytest.raises(SandboxNotRunningException):
        await sandbox.files.read("/home/user/any")
    again = await server.sandboxes.connect(sandbox.sandbox_id)
    assert (await again.commands.run("echo back")).stdout == "back\n"


async def test_pausing_without_memory_ends_the_processes_and_keeps_the_files(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/kept", "kept")
    await sandbox.commands.run("sleep 60", background=True, timeout=0)
    await sandbox.pause(mode="filesystem")
    await sandbox.connect()
    assert await sandbox.commands.list() == []
    assert await sandbox.files.read("/home/user/kept") == "kept"


async def test_a_pause_ends_the_stream_and_not_the_command(sandbox: Any) -> None:
    running = await sandbox.commands.run("sleep 1; echo done > result", background=True, cwd="/home/user")
    await sandbox.pause()
    with pytest.raises(SandboxNotRunningException):
        await running.wait()
    await sandbox.connect()
    await eventually(lambda: sandbox.files.exists("/home/user/result"))


async def test_killing_takes_everything(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    running = await sandbox.commands.run(BEATING, background=True, timeout=0)
    directory = server.data_dir / "sandboxes" / sandbox.sandbox_id
    await sandbox.commands.run("mkdir -p closed/inner && chmod 0 closed")
    assert directory.exists()
    assert await sandbox.kill()
    assert not directory.exists()
    assert not await sandbox.kill()
    with pytest.raises(SandboxNotRunningException):
        await running.wait()
    with pytest.raises(NotFoundException):
        await server.sandboxes.connect(sandbox.sandbox_id)


async def test_an_expired_sandbox_is_killed(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create(timeout=1)
    await eventually(lambda: _is_gone(server, sandbox.sandbox_id))


async def test_an_expired_sandbox_is_paused_when_made_so(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create(timeout=300, lifecycle={"on_timeout": "pause"})
    await sandbox.files.write("/home/user/kept", "kept")
    await sandbox.set_timeout(1)
    await eventually(lambda: _is(sandbox, SandboxState.PAUSED))
    await sandbox.connect(timeout=60)
    assert await sandbox.files.read("/home/user/kept") == "kept"


async def test_connecting_never_shortens_a_life(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create(timeout=600)
    before = (await sandbox.get_info()).end_at
    await sandbox.connect(timeout=10)
    assert (await sandbox.get_info()).end_at == before
    await sandbox.connect(timeout=1200)
    assert (await sandbox.get_info()).end_at > before


async def test_traffic_wakes_a_sandbox_made_to_be_woken(server: E2BServer) -> None:
    lifecycle = {"on_timeout": "pause", "auto_resume": True}
    sandbox = await server.sandboxes.create(lifecycle=lifecycle)
    await sandbox.pause()
    assert (await sandbox.commands.run("echo awake")).stdout == "awake\n"


async def test_forty_sandboxes_are_made_at_once(server: E2BServer) -> None:
    start = time.monotonic()
    made = await asyncio.gather(*(server.sandboxes.create() for _ in range(40)))
    assert time.monotonic() - start < 5
    assert len({sandbox.sandbox_id for sandbox in made}) == 40


async def test_ten_sandboxes_work_at_once(server: E2BServer) -> None:
    made = await asyncio.gather(*(server.sandboxes.create() for _ in range(10)))
    done = await asyncio.gather(*(sandbox.commands.run("echo $HOME; pwd") for sandbox in made))
    assert all(each.exit_code == 0 for each in done)


async def test_a_sandbox_whose_processes_died_starts_again(sandbox: Any) -> None:
    running = await sandbox.commands.run("sleep 60", background=True, timeout=0)
    await sandbox.files.write("/home/user/kept", "kept")
    await sandbox.commands.run("sleep 0.2; kill -9 $PPID", background=True)
    with pytest.raises(Exception, match=r"-1|killed|ended"):
        await running.wait()
    assert await sandbox.files.read("/home/user/kept") == "kept"
    assert (await sandbox.commands.run("echo again")).stdout == "again\n"


async def _is_gone(server: E2BServer, sandbox_id: str) -> bool:
    return sandbox_id not in await listed(server)


async def _is(sandbox: Any, state: SandboxState) -> bool:
    return bool((await sandbox.get_info()).state == state)


async def test_connecting_answers_201_when_it_resumes_and_200_otherwise(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    address = f"{server.url}/v2/sandboxes/{sandbox.sandbox_id}/connect"
    headers = {"X-API-KEY": kept_key(server.data_dir)}
    async with httpx.AsyncClient(headers=headers) as client:
        assert (await client.post(address, json={"timeout": 60})).status_code == 200
        await sandbox.pause()
        assert (await client.post(address, json={"timeout": 60})).status_code == 201
