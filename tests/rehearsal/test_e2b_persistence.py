"""Sandboxes across a restart of the server, clean or not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from e2b import SandboxState

from tests.rehearsal.e2b_server import E2BServer, bound, eventually, serve

pytestmark = pytest.mark.services

SERVER = """
import socket, sys, uvicorn
from pathlib import Path
from rehearsal.e2b_api.app import create_app
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
port = listening.getsockname()[1]
print(port, flush=True)
uvicorn.Server(uvicorn.Config(create_app(Path(sys.argv[1]), port), log_level="warning")).run([listening])
"""


@asynccontextmanager
async def own_process(data_dir: Path) -> AsyncIterator[tuple[E2BServer, subprocess.Popen[str]]]:
    """A server that can be killed."""
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", SERVER, str(data_dir)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = bound(int(await asyncio.to_thread(process.stdout.readline)), data_dir)
        try:
            await eventually(lambda: _answers(server))
            yield server, process
        finally:
            process.kill()


async def _answers(server: E2BServer) -> bool:
    try:
        return bool(await server.health())
    except httpx.ConnectError:
        return False


async def test_a_paused_sandbox_survives_a_restart_with_its_files(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        sandbox = await server.sandboxes.create(metadata={"session": "1"}, envs={"KEPT": "yes"})
        await sandbox.files.write("/home/user/app/file", "kept")
        await sandbox.files.write("/tmp/file", "kept too")
        await sandbox.pause()
    async with serve(tmp_path) as server:
        assert (await server.sandboxes.get_info(sandbox.sandbox_id)).metadata == {"session": "1"}
        again = await server.sandboxes.connect(sandbox.sandbox_id)
        assert await again.files.read("/home/user/app/file") == "kept"
        done = await again.commands.run("cat /tmp/file; echo $KEPT; ps aux | grep -c '[h]ttp.server' || true")
        assert done.stdout.split("\n")[0] == "kept tooyes"


async def test_a_running_sandbox_is_paused_after_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        sandbox = await server.sandboxes.create(timeout=1, idempotency_key="key")
    async with serve(tmp_path) as server:
        assert (await server.sandboxes.get_info(sandbox.sandbox_id)).state == SandboxState.PAUSED
        same = await server.sandboxes.create(idempotency_key="key")
        assert same.sandbox_id == sandbox.sandbox_id


async def test_a_killed_server_leaves_no_process_and_loses_no_file(tmp_path: Path) -> None:
    async with own_process(tmp_path) as (server, process):
        sandbox = await server.sandboxes.create()
        home = tmp_path / "sandboxes" / sandbox.sandbox_id / "home"
        script = "while :; do date +%s%N > beat; sleep 0.05; done"
        await sandbox.commands.run(f"setsid bash -c '{script}' & {script}", background=True, timeout=0)
        await eventually((home / "beat").exists)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    await eventually(lambda: _stopped(home / "beat"))
    async with serve(tmp_path) as server:
        again = await server.sandboxes.connect(sandbox.sandbox_id)
        assert await again.files.exists("/home/user/beat")


async def _stopped(beat: Path) -> bool:
    before = beat.read_text()
    await asyncio.sleep(0.3)
    return beat.read_text() == before


async def test_a_half_removed_sandbox_is_cleared_away(tmp_path: Path) -> None:
    leftover = tmp_path / "sandboxes" / "ileftover" / "home"
    leftover.mkdir(parents=True)
    async with serve(tmp_path):
        assert not leftover.parent.exists()


async def test_the_record_on_disk_is_whole_json(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        sandbox = await server.sandboxes.create(metadata={"a": "b"})
        record = json.loads((tmp_path / "sandboxes" / sandbox.sandbox_id / "meta.json").read_text())
    assert (record["id"], record["metadata"], record["state"]) == (sandbox.sandbox_id, {"a": "b"}, "running")
