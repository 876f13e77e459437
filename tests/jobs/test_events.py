import threading
from uuid import UUID

import pytest
from django.db import connection

from jobs import clock, events
from jobs.models import EventType, Job, Project


@pytest.fixture
def job(project: Project) -> Job:
    return Job.objects.create(project=project, build_number=1, created_at=clock.now())


def test_numbers_begin_at_one_and_have_no_gap(job: Job) -> None:
    events.record(job.pk, EventType.AGENT_NARRATION, text="one")
    events.record_all(job.pk, [(EventType.AGENT_NARRATION, {"text": text}) for text in ("two", "three")])
    assert [event.seq for event in job.events.all()] == [1, 2, 3]


def test_a_payload_cannot_take_a_frame_s_own_names(job: Job) -> None:
    with pytest.raises(ValueError, match="seq"):
        events.record(job.pk, EventType.AGENT_NARRATION, seq=3)


def test_an_unknown_job_is_refused(db: None) -> None:
    with pytest.raises(Job.DoesNotExist):
        events.record(UUID(int=0), EventType.AGENT_NARRATION)


def test_a_frame_holds_number_type_job_time_and_payload(job: Job) -> None:
    event = events.record(job.pk, EventType.AGENT_NARRATION, text="hello")
    assert events.frame(event) == {
        "seq": 1,
        "type": "agent.narration",
        "job_id": str(job.pk),
        "timestamp": event.created_at.isoformat(),
        "text": "hello",
    }


@pytest.mark.django_db(transaction=True)
def test_numbers_stay_gapless_when_many_write_at_once(job: Job) -> None:
    def write() -> None:
        try:
            for _ in range(10):
                events.record(job.pk, EventType.AGENT_NARRATION, text="x")
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in job.events.all()] == list(range(1, 41))
