"""The cost of snapshots: iterations with and without them, many files, and a large one.

The sandbox is the rehearsal's and the storage is moto's S3; each runs as its own process.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from agents.builds.build_sandbox import BuildSandbox, SavingToolbox
from agents.checkpoint.store import CheckpointStore
from agents.guards import Guards
from agents.loop import Loop
from agents.models import AgentSession, Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots import save
from agents.snapshots.restore import verify_and_restore
from agents.stops import TurnEnded
from agents.tools import Toolbox
from agents.turns import Turn, note
from bench.systems.many import resident
from bench.systems.ours import USAGE, new_build, open_store
from cofounder.config.file_storage import storage
from jobs.models import Job

LATENCY = 0.5  # seconds the model takes: faster than a real one
ITERATIONS = 40
SMALL_FILES = 20_000
LARGE_BYTES = 300_000_000


class WritingModel:
    """Thinks for half a second and writes a file."""

    def __init__(self) -> None:
        self.ticks: list[float] = []

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        self.ticks.append(time.perf_counter())
        number = len(self.ticks)
        if number > ITERATIONS:
            raise TurnEnded
        await asyncio.sleep(LATENCY)
        call = {
            "type": "tool_use",
            "id": f"toolu_{number:020}",
            "name": "write_file",
            "input": {"path": f"app/part_{number}.py", "content": f"value = {number}\n" * 100},
        }
        return Turn([call], "tool_use", USAGE)

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        raise AssertionError("This transcript is too small to be summed up.")


async def iterations(job: Job, store: CheckpointStore, *, saving: bool) -> float:
    """Milliseconds per iteration, with or without snapshots running beside it."""
    session = AgentSession(job=job, epoch=store.owner.epoch)
    keeper = BuildSandbox(store.owner, session)
    workspace = await keeper.workspace()
    await workspace.run("for i in {1..300}; do echo $i > file$i; done")
    toolbox = Toolbox(workspace)
    model = WritingModel()
    await store.begin([note("start", "Begin.")])
    used = SavingToolbox(toolbox, keeper) if saving else toolbox
    with suppress(TurnEnded):
        await Loop(model, used, store, Guards(cap=10**9)).run()
    await keeper.close()
    await workspace.kill()
    return 1000 * (model.ticks[-1] - model.ticks[0]) / ITERATIONS


async def workspace_of(job: Job, command: str) -> dict[str, float]:
    """Seconds and megabytes of memory to save a workspace, verify it and restore it in another sandbox."""
    names = {"project_id": job.project_id, "job_id": job.pk}
    workspace = await Workspace.open(epoch=1, **names)
    made = await workspace.run(command, timeout=600)
    assert made.exit_code == 0, made.output
    taken: list[Any] = []

    async def take() -> None:
        taken.append(await save.take(workspace, reason=Snapshot.Reason.CHECKPOINT, **names))

    report = await costs("save", take)
    snapshot: Snapshot = taken[0]

    async def verify() -> None:
        assert (await verify_and_restore(workspace, snapshot)).files == []

    report |= await costs("verify", verify)
    await workspace.kill()
    fresh = await Workspace.open(epoch=2, sandbox_id=workspace.sandbox_id, **names)

    async def restore() -> None:
        assert (await verify_and_restore(fresh, snapshot)).files

    report |= await costs("restore", restore)
    await fresh.kill()
    return {**report, "files": len(snapshot.manifest), "archive_mb": snapshot.size / 1e6}


async def costs(name: str, work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """How long it took, and by how much memory grew at most."""
    before = peak = resident()
    began = time.perf_counter()
    task = asyncio.ensure_future(work())
    while not task.done():
        await asyncio.wait([task], timeout=0.01)
        peak = max(peak, resident())
    await task
    return {f"{name}_seconds": time.perf_counter() - began, f"{name}_mb": (peak - before) / 1e6}


MANY = (
    'python3 -c "import os\n'
    f"for n in range({SMALL_FILES}):\n"
    "    d = f'd{{n % 200}}'; os.makedirs(d, exist_ok=True)\n"
    "    open(f'{{d}}/f{{n}}.txt', 'w').write(f'{{n}} ' * 50)\"".replace("{{", "{").replace("}}", "}")
)
LARGE = f"head -c {LARGE_BYTES} /dev/urandom > noise"


def main() -> None:
    what, e2b_url, key_file, s3_url = sys.argv[1:]
    settings.E2B_API_KEY = Path(key_file).read_text()
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = e2b_url
    made = storage("snapshots", bucket="bench", endpoint=s3_url, data_dir=settings.DATA_DIR)
    settings.STORAGES = {**settings.STORAGES, "snapshots": made}
    job = new_build(f"founder-{what}")
    if what in ("with", "without"):
        store = open_store(job)
        print(json.dumps({"milliseconds": asyncio.run(iterations(job, store, saving=what == "with"))}))
    else:
        print(json.dumps(asyncio.run(workspace_of(job, MANY if what == "many" else LARGE))))
