"""A finished build's app is there when somebody opens it, whatever happened to its sandbox."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from agents.actions import show_app
from agents.actions.start import start_build
from agents.builds import finished_app, rescue
from agents.database import in_transaction
from agents.errors import SandboxTaken
from agents.models import AgentSession, Snapshot
from agents.preview import declaration, launch, probe
from agents.sandbox import provider
from agents.sandbox.workspace import Workspace
from agents.snapshots import restore, save
from agents.snapshots.history import newest_of
from agents.worker import reaper
from jobs import clock
from jobs.models import Job, JobEvent, Project
from tests.agents.conftest import OpenWorkspace
from tests.agents.preview.test_launch import APP, PAGE

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("transactional_db"),
]

Finish = Callable[..., Awaitable[Job]]


@pytest.fixture
def finish(e2b: str, build: Job, open_workspace: OpenWorkspace) -> Finish:
    """Finishes the build: its files are written and saved, its app is running."""

    async def finish_(*, start: str = "exec python3 app.py", page: str = PAGE) -> Job:
        workspace = await open_workspace(project_id=build.project_id, job_id=build.pk)
        await workspace.write("app.py", APP.encode())
        await workspace.write("page.html", page.encode())
        declared = {"start": "exec python3 app.py", "port": 8000}
        await workspace.write("cofounder.json", json.dumps({**declared, "start": start}).encode())
        await save.take(workspace, project_id=build.project_id, job_id=build.pk, reason=Snapshot.Reason.FINAL)
        url = workspace.host(8000)
        if start == declared["start"]:
            url = await launch.start_app(workspace, await declaration.declaration(workspace))
        await in_transaction(ready, build, workspace.sandbox_id, url)
        return build

    return finish_


def ready(job: Job, sandbox_id: str, url: str) -> None:
    Job.objects.filter(pk=job.pk).update(status="ready", preview_url=url)
    AgentSession.objects.filter(pk=job.pk).update(state="completed", epoch=1, sandbox_id=sandbox_id)


async def session_of(job: Job) -> AgentSession:
    return await in_transaction(AgentSession.objects.select_related("job").get, pk=job.pk)


async def workspace_of(job: Job, epoch: int) -> Workspace:
    session = await session_of(job)
    return await Workspace.open(
        project_id=job.project_id, job_id=job.pk, epoch=epoch, sandbox_id=session.sandbox_id
    )


async def told(job: Job) -> list[tuple[str, str]]:
    """The log's events about preview and files: the kind, and its status, message or count."""

    def read() -> list[tuple[str, str]]:
        events = JobEvent.objects.filter(job=job.pk, type__in=["preview.updated", "snapshot.restored"])
        return [(event.type, event.payload.get("status") or str(event.payload["count"])) for event in events]

    return await in_transaction(read)


async def sentence(job: Job) -> str:
    event = await in_transaction(JobEvent.objects.filter(job=job.pk, type="preview.updated").last)
    assert event is not None
    assert event.payload["status"] == "down"
    return str(event.payload["message"])


async def shown(job: Job) -> str:
    """The title of the app's page, as a visitor sees it."""
    await in_transaction(job.refresh_from_db)
    return (await probe.ask(job.preview_url)).title


STARTING, RUNNING = ("preview.updated", "starting"), ("preview.updated", "answers")


async def test_a_sleeping_app_is_woken(finish: Finish) -> None:
    job = await finish()
    await (await workspace_of(job, 2)).pause()
    await in_transaction(AgentSession.objects.filter(pk=job.pk).update, epoch=2)
    assert await shown(job) == ""
    assert await finished_app.open_app(job.pk) is not None
    assert await shown(job) == "Uniform Swap"
    assert await told(job) == [STARTING, RUNNING]


async def test_files_that_went_missing_while_it_slept_are_brought_back_and_told(finish: Finish) -> None:
    job = await finish()
    workspace = await workspace_of(job, 2)
    await workspace.script('rm -rf "$HOME/app" && mkdir "$HOME/app"')
    await workspace.end_all_groups()
    await workspace.pause()
    await in_transaction(AgentSession.objects.filter(pk=job.pk).update, epoch=2)
    await finished_app.open_app(job.pk)
    assert await shown(job) == "Uniform Swap"
    assert await told(job) == [STARTING, ("snapshot.restored", "3"), STARTING, RUNNING]


async def test_an_app_whose_sandbox_is_gone_gets_another_one(finish: Finish) -> None:
    job = await finish()
    old = (await session_of(job)).sandbox_id
    await provider.kill(old)
    await finished_app.open_app(job.pk)
    assert await shown(job) == "Uniform Swap"
    session = await session_of(job)
    assert session.sandbox_id not in ("", old)
    await provider.kill(session.sandbox_id)


async def test_without_any_whole_copy_it_is_said_and_nothing_is_shown(finish: Finish) -> None:
    job = await finish()
    await provider.kill((await session_of(job)).sandbox_id)
    snapshot = await in_transaction(Snapshot.objects.get)
    Path(storages["snapshots"].path(snapshot.key)).write_bytes(b"half")
    assert await finished_app.open_app(job.pk) is None
    assert "damaged" in await sentence(job)
    await in_transaction(snapshot.delete)
    await provider.kill((await session_of(job)).sandbox_id)
    await finished_app.open_app(job.pk)
    assert "gone" in await sentence(job)
    await provider.kill((await session_of(job)).sandbox_id)


async def test_an_app_that_does_not_start_is_told_with_its_log(finish: Finish) -> None:
    job = await finish(start="echo the database is locked; exit 1")
    assert await finished_app.open_app(job.pk) is None
    assert "database is locked" in await sentence(job)


async def test_a_provider_that_is_away_is_told(finish: Finish, settings: Settings) -> None:
    job = await finish()
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = "http://127.0.0.1:9"
    assert await finished_app.open_app(job.pk) is None
    assert await sentence(job) == finished_app.NOT_NOW


async def test_two_who_open_it_at_once_do_not_hinder_each_other(finish: Finish) -> None:
    job = await finish()
    workspace = await workspace_of(job, 2)
    await workspace.end_all_groups()
    await in_transaction(AgentSession.objects.filter(pk=job.pk).update, epoch=2)
    await asyncio.gather(finished_app.open_app(job.pk), finished_app.open_app(job.pk))
    assert await shown(job) == "Uniform Swap"
    assert (await told(job))[-1] == RUNNING


async def test_a_build_at_work_is_not_touched(build: Job, finish: Finish) -> None:
    job = await finish()
    await in_transaction(AgentSession.objects.filter(pk=job.pk).update, state="working")
    assert await finished_app.open_app(job.pk) is None
    assert await told(job) == []
    with pytest.raises(SandboxTaken):
        await rescue.save(await session_of(job))


async def test_what_the_app_wrote_is_saved_before_it_is_paused(finish: Finish) -> None:
    job = await finish()
    await (await workspace_of(job, 1)).write("orders.json", b"[1]")
    assert await finished_app.keep_awake_or_pause(job.pk) is None
    newest = await in_transaction(Snapshot.objects.first)
    assert newest is not None
    assert "orders.json" in {file["path"] for file in newest.manifest}
    assert await shown(job) == ""  # it is asleep
    await finished_app.open_app(job.pk)
    assert await (await workspace_of(job, (await session_of(job)).epoch)).read("orders.json") == b"[1]"


async def test_while_the_storage_is_away_the_app_stays_awake_until_it_is_saved(
    finish: Finish, tmp_path: Path
) -> None:
    job = await finish()
    await in_transaction(
        Snapshot.objects.all().delete
    )  # its sandbox was already gone when the build became ready
    snapshots_, away = tmp_path / "snapshots", tmp_path / "away"
    snapshots_.rename(away)
    snapshots_.write_text("not a directory")
    assert await finished_app.keep_awake_or_pause(job.pk) is not None
    assert await shown(job) == "Uniform Swap"
    snapshots_.unlink()
    away.rename(snapshots_)
    assert await finished_app.keep_awake_or_pause(job.pk) is None
    assert await shown(job) == ""
    assert (await in_transaction(Snapshot.objects.get)).reason == Snapshot.Reason.FINAL


async def test_an_app_that_was_opened_lately_stays_awake(finish: Finish) -> None:
    job = await finish()
    await in_transaction(show_app.note_use, job)
    assert await finished_app.keep_awake_or_pause(job.pk) is not None
    assert await shown(job) == "Uniform Swap"


async def test_the_next_build_begins_with_what_the_app_wrote(finish: Finish, project: Project) -> None:
    job = await finish()
    await (await workspace_of(job, 1)).write("orders.json", b"[1]")
    next_job = (await in_transaction(start_build, project))[0]
    await rescue.save_build_before(next_job)
    assert await shown(job) == "Uniform Swap"  # the build continues
    fresh = await Workspace.open(project_id=project.pk, job_id=next_job.pk, epoch=1)
    await restore.restore_newest(fresh, project.pk, next_job.pk)
    assert await fresh.read("orders.json") == b"[1]"
    await fresh.kill()


async def test_an_old_build_saved_late_does_not_become_the_newest(finish: Finish, project: Project) -> None:
    job = await finish()
    now = await in_transaction(clock.now)
    later = await in_transaction(Job.objects.create, project=project, build_number=2, created_at=now)
    facts: dict[str, Any] = {"project": project, "size": 1, "sha256": "0", "manifest": [], "reason": "final"}
    await in_transaction(Snapshot.objects.create, job=later, key="later", created_at=now, **facts)
    await (await workspace_of(job, 1)).write("orders.json", b"[1]")
    assert await rescue.save_and_end(await session_of(job))
    newest = await in_transaction(newest_of, later)
    assert newest is not None
    assert newest.key == "later"


# Ending unused sandboxes


async def alive() -> set[str]:
    return {found.sandbox_id for found in await provider.found()}


@pytest.fixture
def nothing_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "YOUNG", timedelta(0))


@pytest.mark.usefixtures("nothing_is_young")
async def test_what_no_session_knows_is_ended_and_what_is_in_use_is_not(
    finish: Finish, open_workspace: OpenWorkspace
) -> None:
    job = await finish()
    used = (await session_of(job)).sandbox_id
    orphan = (await open_workspace()).sandbox_id
    found = await reaper.reap(dry_run=True)
    assert (orphan, reaper.Why.ORPHAN, False) in [(each.sandbox_id, each.why, each.done) for each in found]
    assert orphan in await alive()
    assert orphan in [each.sandbox_id for each in await reaper.reap() if each.done]
    assert used in await alive()
    assert orphan not in await alive()


async def test_a_sandbox_that_was_just_made_is_left_alone(e2b: str, open_workspace: OpenWorkspace) -> None:
    fresh = (await open_workspace()).sandbox_id
    assert fresh not in [each.sandbox_id for each in await reaper.reap()]


@pytest.mark.usefixtures("nothing_is_young")
async def test_the_sandbox_of_a_worker_that_died_before_it_saved_the_id_is_left_alone(
    build: Job, open_workspace: OpenWorkspace
) -> None:
    made = await open_workspace(project_id=build.project_id, job_id=build.pk)
    assert made.sandbox_id not in [each.sandbox_id for each in await reaper.reap()]


async def test_sandboxes_of_another_install_are_not_ours(
    e2b: str, open_workspace: OpenWorkspace, settings: Settings
) -> None:
    theirs = (await open_workspace()).sandbox_id
    settings.SECRET_KEY = "another install"
    assert theirs not in await alive()


async def test_after_thirty_unused_days_it_is_saved_and_ended_and_can_still_be_shown(finish: Finish) -> None:
    job = await finish()
    old = (await session_of(job)).sandbox_id
    await (await workspace_of(job, 1)).write("orders.json", b"[1]")
    await in_transaction(clock.move, await in_transaction(clock.now) + timedelta(days=29))
    assert old not in [each.sandbox_id for each in await reaper.reap()]
    await in_transaction(clock.move, await in_transaction(clock.now) + timedelta(days=2))
    assert [(each.sandbox_id, each.done) for each in await reaper.reap()] == [(old, True)]
    assert old not in await alive()
    await finished_app.open_app(job.pk)
    assert await shown(job) == "Uniform Swap"
    workspace = await workspace_of(job, (await session_of(job)).epoch)
    assert await workspace.read("orders.json") == b"[1]"
    await workspace.kill()


async def test_an_app_somebody_opened_is_in_use(finish: Finish) -> None:
    job = await finish()
    await in_transaction(clock.move, await in_transaction(clock.now) + timedelta(days=29))
    await in_transaction(show_app.note_use, job)
    await in_transaction(clock.move, await in_transaction(clock.now) + timedelta(days=2))
    assert await reaper.reap() == []


@pytest.mark.usefixtures("nothing_is_young")
async def test_the_sandbox_of_a_stopped_build_that_could_not_be_ended_then_is_ended_now(
    finish: Finish,
) -> None:
    job = await finish()
    await in_transaction(Job.objects.filter(pk=job.pk).update, status="cancelled")
    await in_transaction(AgentSession.objects.filter(pk=job.pk).update, state="cancelled")
    assert [(each.why, each.done) for each in await reaper.reap()] == [(reaper.Why.OVER, True)]
    assert (await session_of(job)).sandbox_id == ""
