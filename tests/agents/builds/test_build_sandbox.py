"""The state of a build's sandbox when a run connects to it, and how its files are saved beside the loop."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.builds.build_sandbox import SandboxKeeper
from agents.database import unit
from agents.models import AgentSession, Snapshot
from agents.preview import probe
from agents.session import claim as session_claim
from agents.session.claim import Owner
from jobs.models import EventType, Job, JobEvent
from tests.agents.preview.test_launch import APP, PAGE

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("e2b", "an_empty_queue"),
]

DECLARED = json.dumps({"start": "exec python3 app.py", "port": 8000})


async def claimed(build: Any) -> SandboxKeeper:
    """A keeper as the next run of the build gets it."""

    def claim() -> tuple[Owner, AgentSession]:
        AgentSession.objects.filter(pk=build.pk).update(state="queued", run_id=None)
        owner = session_claim.claim(build.pk, 0)
        assert owner is not None
        return owner, AgentSession.objects.select_related("job").get(pk=build.pk)

    return SandboxKeeper(*await unit(claim))


async def events(build: Any, *types: EventType) -> list[dict[str, Any]]:
    found = JobEvent.objects.filter(job=build.pk, type__in=types)
    return await unit(lambda: [event.payload for event in found])


@pytest.fixture
async def asleep(build: Any) -> Any:
    """A build whose app ran once; its work is saved, its files are wiped, its sandbox is asleep."""
    await unit(Job.objects.filter(pk=build.pk).update, status="code", preview_url="http://127.0.0.1:9/")
    keeper = await claimed(build)
    workspace = await keeper.workspace()
    for path, content in (("app.py", APP), ("page.html", PAGE), ("cofounder.json", DECLARED)):
        await workspace.write(path, content.encode())
    await keeper.save(Snapshot.Reason.CHECKPOINT)
    await workspace.run("rm -r *")
    await workspace.pause()
    await keeper.close()
    return build


async def test_an_app_that_was_shown_runs_again_after_its_files_came_back(asleep: Any) -> None:
    keeper = await claimed(asleep)
    workspace = await keeper.workspace()
    assert sorted(keeper.restored) == ["app.py", "cofounder.json", "page.html"]
    [told] = await events(asleep, EventType.PREVIEW_UPDATED)
    assert (told["url"], told["status"]) == (workspace.host(8000), "answers")
    await unit(asleep.refresh_from_db)
    assert (await probe.ask(asleep.preview_url)).title == "Uniform Swap"
    await keeper.close()
    await workspace.kill()


async def test_an_app_that_nobody_has_seen_yet_is_left_to_the_agent(asleep: Any) -> None:
    await unit(Job.objects.filter(pk=asleep.pk).update, preview_url="")
    keeper = await claimed(asleep)
    workspace = await keeper.workspace()
    assert len(keeper.restored) == 3
    assert await events(asleep, EventType.PREVIEW_UPDATED) == []
    await keeper.close()
    await workspace.kill()


async def test_a_saving_that_fails_is_shown_and_stops_nobody(build: Any, tmp_path: Path) -> None:
    keeper = await claimed(build)
    workspace = await keeper.workspace()
    (tmp_path / "snapshots").write_text("a file where the storage's directory should be")
    await workspace.write("a", b"1")
    await keeper.save(Snapshot.Reason.CHECKPOINT)
    (tmp_path / "snapshots").unlink()
    await keeper.save(Snapshot.Reason.CHECKPOINT)
    failed, saved = await events(build, EventType.SNAPSHOT_UPDATED)
    assert (failed["ok"], saved["ok"], saved["files"]) == (False, True, 1)
    assert "The storage does not work" in failed["message"]
    await keeper.close()
    await workspace.kill()


async def test_changes_while_a_saving_runs_share_the_next_one(build: Any) -> None:
    keeper = await claimed(build)
    workspace = await keeper.workspace()
    for number in range(20):
        await workspace.write("a", str(number).encode())
        keeper.files_changed()
    await keeper._settle()
    await keeper.save(Snapshot.Reason.SLEEP)
    taken = await unit(Snapshot.objects.count)
    assert 1 <= taken < 10
    newest = await unit(Snapshot.objects.first)
    assert newest is not None
    assert newest.manifest[0]["size"] == 2
    await keeper.close()
    await workspace.kill()
