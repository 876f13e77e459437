"""The state of a build's sandbox when a run connects to it, and how its files are saved beside the loop."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agents.builds.build_sandbox import BuildSandbox
from agents.database import in_transaction
from agents.errors import StorageRefused
from agents.models import AgentSession, Snapshot
from agents.preview import probe
from agents.session.claim import Claim
from jobs.models import EventType, Job, JobEvent
from tests.agents.claims import claim_of
from tests.agents.preview.test_launch import APP, PAGE
from tests.agents.snapshots.databases import committed, rows_of, write_without_end

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("e2b", "transactional_db"),
]

DECLARED = json.dumps({"start": "exec python3 app.py", "port": 8000})


async def claimed(build: Job) -> BuildSandbox:
    """A sandbox as the next run of the build gets it."""

    def claim() -> tuple[Claim, AgentSession]:
        AgentSession.objects.filter(pk=build.pk).update(state="queued", run_id=None)
        return claim_of(build), AgentSession.objects.select_related("job").get(pk=build.pk)

    return BuildSandbox(*await in_transaction(claim))


async def events(build: Job, *types: EventType) -> list[dict[str, Any]]:
    found = JobEvent.objects.filter(job=build.pk, type__in=types)
    return await in_transaction(lambda: [event.payload for event in found])


@pytest.fixture
async def asleep(build: Job) -> Job:
    """A build whose app ran once; its work is saved, its files are wiped, its sandbox is asleep."""
    await in_transaction(
        Job.objects.filter(pk=build.pk).update, status="code", preview_url="http://127.0.0.1:9/"
    )
    sandbox = await claimed(build)
    workspace = await sandbox.workspace()
    for path, content in (("app.py", APP), ("page.html", PAGE), ("cofounder.json", DECLARED)):
        await workspace.write(path, content.encode())
    await sandbox.save(Snapshot.Reason.CHECKPOINT)
    await workspace.run("rm -r *")
    await workspace.pause()
    await sandbox.close()
    return build


async def test_an_app_that_was_shown_runs_again_after_its_files_came_back(asleep: Job) -> None:
    sandbox = await claimed(asleep)
    workspace = await sandbox.workspace()
    assert sorted(sandbox.restored) == ["app.py", "cofounder.json", "page.html"]
    [told] = await events(asleep, EventType.PREVIEW_UPDATED)
    assert (told["url"], told["status"]) == (workspace.host(8000), "answers")
    await in_transaction(asleep.refresh_from_db)
    assert (await probe.ask(asleep.preview_url)).title == "Uniform Swap"
    await sandbox.close()
    await workspace.kill()


async def test_an_app_that_nobody_has_seen_yet_is_left_to_the_agent(asleep: Job) -> None:
    await in_transaction(Job.objects.filter(pk=asleep.pk).update, preview_url="")
    sandbox = await claimed(asleep)
    workspace = await sandbox.workspace()
    assert len(sandbox.restored) == 3
    assert await events(asleep, EventType.PREVIEW_UPDATED) == []
    await sandbox.close()
    await workspace.kill()


async def test_a_saving_that_fails_is_shown_and_stops_nobody(build: Job, tmp_path: Path) -> None:
    sandbox = await claimed(build)
    workspace = await sandbox.workspace()
    (tmp_path / "snapshots").write_text("a file where the storage's directory should be")
    await workspace.write("a", b"1")
    await sandbox.save(Snapshot.Reason.CHECKPOINT)
    (tmp_path / "snapshots").unlink()
    await sandbox.save(Snapshot.Reason.CHECKPOINT)
    failed, saved = await events(build, EventType.SNAPSHOT_UPDATED)
    assert (failed["ok"], saved["ok"], saved["files"]) == (False, True, 1)
    assert failed["message"] == StorageRefused.__doc__
    await sandbox.close()
    await workspace.kill()


async def test_changes_while_a_saving_runs_share_the_next_one(build: Job) -> None:
    sandbox = await claimed(build)
    workspace = await sandbox.workspace()
    for number in range(20):
        await workspace.write("a", str(number).encode())
        sandbox.files_changed()
    await sandbox._settle()
    await sandbox.save(Snapshot.Reason.SLEEP)
    taken = await in_transaction(Snapshot.objects.count)
    assert 1 <= taken < 10
    newest = await in_transaction(Snapshot.objects.first)
    assert newest is not None
    assert newest.manifest[0]["size"] == 2
    await sandbox.close()
    await workspace.kill()


async def test_what_an_app_writes_all_the_time_is_told_and_comes_back_into_a_wiped_sandbox(
    build: Job,
) -> None:
    sandbox = await claimed(build)
    workspace = await sandbox.workspace()
    group = await write_without_end(workspace, "app.db", "wal")
    for reason in (Snapshot.Reason.CHECKPOINT, Snapshot.Reason.CHECKPOINT, Snapshot.Reason.SLEEP):
        saved = await committed(workspace)
        await sandbox.save(reason)
    for told in await events(build, EventType.SNAPSHOT_UPDATED):
        assert (told["ok"], told["files"], told["databases"]) == (True, 3, ["app.db"])
        assert told.get("moving", []) in ([], ["committed"])
    await workspace.end_group(group)
    await workspace.run("rm -r *")
    await workspace.pause()
    await sandbox.close()
    again = await claimed(build)
    workspace = await again.workspace()
    [told] = await events(build, EventType.SNAPSHOT_RESTORED)
    assert sorted(told["files"]) == ["app.db", "committed", "writer.py"]
    assert (await rows_of(workspace, "app.db"))[0] >= saved
    await write_without_end(workspace, "app.db", "wal")  # the app goes on with what it had
    await again.close()
    await workspace.kill()


async def test_a_damaged_database_is_told_with_the_time_of_its_last_whole_copy(build: Job) -> None:
    sandbox = await claimed(build)
    workspace = await sandbox.workspace()
    group = await write_without_end(workspace, "app.db", "delete")
    await workspace.end_group(group)
    await sandbox.save(Snapshot.Reason.CHECKPOINT)
    await workspace.run("dd if=/dev/urandom of=app.db bs=4096 seek=1 conv=notrunc count=2")
    await workspace.write("other", b"1")
    await sandbox.save(Snapshot.Reason.FINAL)
    whole, kept = await events(build, EventType.SNAPSHOT_UPDATED)
    assert "kept" not in whole
    [named] = kept["kept"]
    assert named["path"] == "app.db"
    assert datetime.fromisoformat(named["as_of"]).tzinfo is not None
    assert "databases" not in kept
    await sandbox.close()
    await workspace.kill()
