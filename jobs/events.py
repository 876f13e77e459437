"""The event log: for each job, events numbered without gaps, which every browser reads."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock, doorbell
from jobs.models import EventType, Job, JobEvent
from jobs.storable import storable

RESERVED_NAMES = frozenset({"seq", "type", "job_id", "timestamp"})

Fact = tuple[EventType, dict[str, Any]]


def record(job_id: UUID, event_type: EventType, **payload: Any) -> JobEvent:
    """Add one event to the job's log, in the caller's transaction; sockets are notified when it commits."""
    return record_all(job_id, [(event_type, payload)])[0]


def record_all(job_id: UUID, facts: Sequence[Fact]) -> list[JobEvent]:
    """Add events in this order. The row lock on the job makes the order of numbers the order of commits.

    Raises `ValueError` for a payload that uses a frame's own names, `Job.DoesNotExist` for an unknown job.
    """
    if not facts:
        return []
    facts = checked(facts)
    with transaction.atomic():
        last_seq, moment = _take_numbers(job_id, len(facts)), clock.now()
        events = JobEvent.objects.bulk_create(
            JobEvent(job_id=job_id, seq=seq, type=event_type, payload=payload, created_at=moment)
            for seq, (event_type, payload) in enumerate(facts, start=last_seq - len(facts) + 1)
        )
        announce(job_id, facts, last_seq, moment)
    return events


def checked(facts: Sequence[Fact]) -> list[Fact]:
    """The events as the database can store them; `ValueError` for a payload with a frame's own names."""
    for _, payload in facts:
        if clash := RESERVED_NAMES.intersection(payload):
            raise ValueError(f"An event's payload may not be named {', '.join(sorted(clash))}.")
    return [(event_type, storable(payload)) for event_type, payload in facts]


def announce(job_id: UUID, facts: Sequence[Fact], last_seq: int, moment: datetime) -> None:
    """On commit, notify the sockets of these events; `last_seq` is the number of the last one."""
    first = last_seq - len(facts) + 1
    frames = [
        _frame(job_id, seq, event_type, payload, moment)
        for seq, (event_type, payload) in enumerate(facts, start=first)
    ]
    transaction.on_commit(partial(doorbell.ring, job_id, frames))


def _take_numbers(job_id: UUID, count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET last_seq = last_seq + %s WHERE id = %s RETURNING last_seq", [count, job_id]
        )
        row = cursor.fetchone()
    if row is None:
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return int(row[0])


def frame(event: JobEvent) -> dict[str, Any]:
    """An event as the WebSocket and the REST API send it."""
    return _frame(event.job_id, event.seq, event.type, event.payload, event.created_at)


def _frame(job_id: UUID, seq: int, name: str, payload: dict[str, Any], moment: datetime) -> dict[str, Any]:
    return {
        "seq": seq,
        "type": str(name),
        "job_id": str(job_id),
        "timestamp": moment.isoformat(),
        **payload,
    }
