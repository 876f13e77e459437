import pytest

from jobs import clock, lifecycle
from jobs.models import TERMINAL, Job, JobStatus, Project


@pytest.fixture
def job(project: Project) -> Job:
    return Job.objects.create(project=project, build_number=1, created_at=clock.now())


def test_every_status_has_a_row_in_the_table_of_moves() -> None:
    assert set(lifecycle.LEGAL_MOVES) == set(JobStatus)


def test_nothing_leaves_an_end_and_everything_else_can_end() -> None:
    for status, moves in lifecycle.LEGAL_MOVES.items():
        assert (not moves) == (status in TERMINAL)
        assert status in TERMINAL or {JobStatus.FAILED, JobStatus.CANCELLED} <= moves


def test_a_move_is_recorded_with_what_was_before(job: Job) -> None:
    lifecycle.move(job, JobStatus.STARTING, "Reading your brief")
    event = job.events.get()
    assert event.payload == {"status": "starting", "previous": "queued", "message": "Reading your brief"}
    assert Job.objects.get().started_at is not None


def test_an_illegal_move_raises_and_changes_nothing(job: Job) -> None:
    with pytest.raises(lifecycle.IllegalMove, match="queued to ready"):
        lifecycle.move(job, JobStatus.READY)
    assert Job.objects.get().status == JobStatus.QUEUED
    assert not job.events.exists()


def test_a_move_that_someone_else_made_first_is_lost(job: Job) -> None:
    Job.objects.update(status=JobStatus.CANCELLED)
    with pytest.raises(lifecycle.MoveLost):
        lifecycle.move(job, JobStatus.STARTING)
