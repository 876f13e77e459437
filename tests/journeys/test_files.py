"""The founder's files: when they are wiped, damaged or unreachable, no build continues without asking."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.actions import control
from agents.actions.start import go_back, start_build
from agents.errors import StorageAway, Trouble
from agents.failures.trouble import TABLE
from agents.models import AgentSession, SessionState, Snapshot, SpendEntry
from agents.snapshots import history
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from tests.agents import s3
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief, write_plays
from tests.journeys.test_stop import end_sandbox

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where the rehearsal keeps its sandboxes."""
    return tmp_path_factory.mktemp("rehearsal")


@pytest.fixture(scope="module")
def rehearsal(sandboxes: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(sandboxes, "--plays", str(plays))
    yield servers
    servers.stop()


@pytest.fixture
def road(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The connection to the S3 where the workers keep the snapshots; it can be closed."""
    with s3.server() as port:
        way = s3.Road(port)
        for name, value in s3.CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        s3.client(port).create_bucket(Bucket="snapshots")
        workers._env |= s3.CREDENTIALS
        workers._env["PROJECT_SNAPSHOT_BUCKET"] = "snapshots"
        workers._env["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{way.port}"
        yield way
        way.end()


@pytest.fixture
def paused(founder: User, workers: Workers) -> Any:
    """A build in the middle of its work, paused together with its sandbox."""
    workers.start()
    job = start_build(create_project(owner=founder, **brief("Steps")))[0]
    wait_until(lambda: session_of(job).iteration >= 12, "twelve turns")
    control.pause(job, founder)
    wait_until(lambda: session_of(job).state == SessionState.PAUSED, "the pause")
    return job


@pytest.fixture
def archives(tmp_path: Path) -> Any:
    return tmp_path / "data" / "snapshots"


def session_of(job: Job) -> AgentSession:
    return AgentSession.objects.get(pk=job.pk)


def wipe(sandboxes: Any, job: Job) -> None:
    """Empty the workspace of a sleeping sandbox."""
    [app] = sandboxes.rglob(f"{session_of(job).sandbox_id}/home/app")
    for each in app.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def until_ready(job: Job, workers: Workers) -> None:
    wait_until(lambda: Job.objects.get(pk=job.pk).is_over, "the build to end")
    job.refresh_from_db()
    assert job.status == JobStatus.READY, (job.status_message, workers.log.read_text()[-3000:])


def restored(job: Job) -> list[Any]:
    return [event.payload for event in job.events.filter(type=EventType.SNAPSHOT_RESTORED)]


def notes_of(job: Job) -> Any:
    """How many lines the agent wrote: each step wrote once, so none is missing or there twice."""
    newest = history.newest_of(job)
    assert newest is not None
    return next(file["size"] for file in newest.manifest if file["path"] == "notes.txt")


ALL_NOTES = len("".join(f"{n}\n" for n in range(40)))


def test_files_wiped_while_it_slept_come_back_and_the_build_ends_as_ever(
    paused: Any, founder: User, workers: Workers, sandboxes: Any
) -> None:
    wipe(sandboxes, paused)
    newest = history.newest_of(paused)
    assert newest is not None
    control.resume(paused, founder)
    until_ready(paused, workers)
    [told] = restored(paused)
    assert set(told["files"]) == {file["path"] for file in newest.manifest}
    assert told["taken_at"] == newest.created_at.isoformat()
    assert notes_of(paused) == ALL_NOTES

    # And back: a build that restores an older state is ready without calling the model.
    first = paused.snapshots.filter(reason=Snapshot.Reason.FINAL).get()
    again = go_back(first)
    until_ready(again, workers)
    assert not SpendEntry.objects.filter(session=again.pk).exists()
    assert notes_of(again) == ALL_NOTES
    assert again.preview_url != paused.preview_url


def test_where_no_copy_is_whole_the_founder_is_asked_before_anything_is_done(
    paused: Any, founder: User, workers: Workers, archives: Any, rehearsal: Rehearsal
) -> None:
    end_sandbox(rehearsal, session_of(paused).sandbox_id)
    whole = {path: path.read_bytes() for path in archives.rglob("*.tar.gz")}
    for path in whole:
        path.write_bytes(b"half")
    turns = session_of(paused).iteration
    control.resume(paused, founder)
    first = wait_until(pending, "the question")
    assert "no saved copy can be read" in first.plain_english_problem
    until_waiting(paused)
    resolve(first.pk, decision="try_again", by=founder)
    wait_until(lambda: pending() and pending().pk != first.pk, "the question again")
    until_waiting(paused)
    assert session_of(paused).iteration == turns
    assert restored(paused) == []
    for path, content in whole.items():
        path.write_bytes(content)
    resolve(pending().pk, decision="try_again", by=founder)
    until_ready(paused, workers)
    assert len(restored(paused)) == 1
    assert notes_of(paused) == ALL_NOTES


def test_with_the_founders_word_it_goes_on_with_what_is_left(
    paused: Any, founder: User, workers: Workers, archives: Any, rehearsal: Rehearsal
) -> None:
    end_sandbox(rehearsal, session_of(paused).sandbox_id)
    Snapshot.objects.all().delete()
    control.resume(paused, founder)
    question = wait_until(pending, "the question")
    until_waiting(paused)
    turns = session_of(paused).iteration
    resolve(question.pk, decision="go_on", by=founder)
    wait_until(lambda: session_of(paused).iteration > turns, "the next turn")
    assert restored(paused) == []


def until_waiting(job: Job) -> None:
    wait_until(lambda: session_of(job).state == SessionState.WAITING_FOR_INPUT, "the wait")


def pending() -> Any:
    return AgentEscalation.objects.filter(status=AgentEscalation.Status.PENDING).first()


def test_a_build_goes_on_while_its_snapshots_cannot_be_stored(
    founder: User, workers: Workers, road: Any
) -> None:
    workers.start()
    job = start_build(create_project(owner=founder, **brief("Steps")))[0]
    saved = job.events.filter(type=EventType.SNAPSHOT_UPDATED)
    wait_until(lambda: saved.filter(payload__ok=True).exists(), "the first snapshot")
    road.close()
    failed = wait_until(lambda: saved.filter(payload__ok=False).first(), "a failure that is told")
    assert failed.payload["message"] == StorageAway.__doc__
    turns = session_of(job).iteration
    wait_until(lambda: session_of(job).iteration > turns + 2, "three more turns")
    road.clear()
    until_ready(job, workers)
    assert job.snapshots.filter(reason=Snapshot.Reason.FINAL).exists()
    assert notes_of(job) == ALL_NOTES


def test_an_agent_that_deletes_what_we_keep_in_its_home_goes_on(founder: User, workers: Workers) -> None:
    workers.start()
    job = start_build(create_project(owner=founder, **brief("Careless")))[0]
    until_ready(job, workers)
    outputs = job.events.filter(type=EventType.TOOL_FINISHED).values_list("payload__excerpt", flat=True)
    assert "kept\n[exit 0]" in outputs
    assert job.snapshots.filter(reason=Snapshot.Reason.FINAL).exists()


def test_a_storage_that_cannot_be_used_is_waited_for_and_never_reads_as_lost_files(
    paused: Any, founder: User, workers: Workers, archives: Any, rehearsal: Rehearsal, tmp_path: Path
) -> None:
    end_sandbox(rehearsal, session_of(paused).sandbox_id)
    away = tmp_path / "away"
    archives.rename(away)
    archives.write_text("not a directory")
    control.resume(paused, founder)
    wait_until(lambda: session_of(paused).state == SessionState.SLEEPING, "the sleep")
    reason = paused.events.filter(type=EventType.SLEEPING).last().payload["reason"]
    assert reason == TABLE[Trouble.STORAGE_REFUSED].sentence
    assert pending() is None
    assert session_of(paused).wake_at is not None
    archives.unlink()
    away.rename(archives)
    control.wake(paused, founder)
    until_ready(paused, workers)
    assert len(restored(paused)) == 1
    assert notes_of(paused) == ALL_NOTES
