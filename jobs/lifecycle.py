"""The status transitions of a job. Each is a compare-and-set, in one transaction with its event."""

from functools import partial
from typing import Any

import structlog
from django.db import transaction

from jobs import clock, events
from jobs.models import TERMINAL, EventType, Job, JobStatus

log = structlog.get_logger(__name__)

_ENDS = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})
LEGAL_MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.STARTING}) | _ENDS,
    JobStatus.STARTING: frozenset({JobStatus.SCAFFOLD}) | _ENDS,
    JobStatus.SCAFFOLD: frozenset({JobStatus.CODE}) | _ENDS,
    JobStatus.CODE: frozenset({JobStatus.DEPS}) | _ENDS,
    JobStatus.DEPS: frozenset({JobStatus.CHECKS}) | _ENDS,
    JobStatus.CHECKS: frozenset({JobStatus.READY, JobStatus.CODE}) | _ENDS,
    JobStatus.READY: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}


class IllegalMove(Exception):
    """A job cannot go from where it is to where it was sent."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"A build cannot go from {old} to {new}.")


class MoveLost(Exception):
    """Someone else moved the job first."""


def move(job: Job, to: JobStatus, message: str = "", **fields: Any) -> None:
    """Move the job on from the status that this object has, set `fields` too, and record the event.

    Raises `IllegalMove` when the table does not allow it, `MoveLost` when the row's status has changed since.
    """
    old = JobStatus(job.status)
    if to not in LEGAL_MOVES[old]:
        raise IllegalMove(old, to)
    changes = {"status": to, "status_message": message, **_times(old, to), **fields}
    with transaction.atomic():
        if Job.objects.filter(pk=job.pk, status=old).update(**changes) != 1:
            raise MoveLost(f"The build left {old} meanwhile.")
        events.record(job.pk, EventType.JOB_STATUS, status=to.value, previous=old.value, message=message)
        moved = {"job_id": str(job.pk), "previous": old.value, "status": to.value}
        transaction.on_commit(partial(log.info, "job.moved", **moved))
    for name, value in changes.items():
        setattr(job, name, value)


def _times(old: JobStatus, to: JobStatus) -> dict[str, Any]:
    if old == JobStatus.QUEUED and to == JobStatus.STARTING:
        return {"started_at": clock.now()}
    return {"finished_at": clock.now()} if to in TERMINAL else {}
