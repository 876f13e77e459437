"""Row locks of a session, taken in the order of the functions here: its days, its job, then itself.

Two transactions that lock in different orders may wait for each other. Locks end with their transaction.
"""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from agents.models import ENDED, AgentSession, DailyBudget
from jobs.models import Job, Project


def lock_days(user_id: UUID, days: Collection[date] | None = None) -> None:
    """All days of a founder's budget, or only these; before any job is locked."""
    rows = DailyBudget.objects.filter(user=user_id)
    if days is not None:
        rows = rows.filter(day__in=days)
    list(rows.select_for_update().order_by("day"))


def lock_job(job_id: UUID) -> Job:
    """The job alone: new events, and answers and messages of its founder, wait. Raises `Job.DoesNotExist`."""
    return Job.objects.select_for_update(no_key=True).get(pk=job_id)


def lock_under_way(user_id: UUID) -> list[AgentSession]:
    """The founder's sessions that have not ended; all their jobs first."""
    under_way = AgentSession.objects.filter(user=user_id).exclude(state__in=ENDED)
    ids = sorted(under_way.values_list("pk", flat=True), key=str)
    list(Job.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    return list(under_way.select_for_update(no_key=True).order_by("pk"))


def lock_to_delete(project: Project) -> None:
    """All jobs and sessions of a project, also against new rows that refer to them."""
    list(Job.objects.select_for_update().filter(project=project).order_by("pk"))
    list(AgentSession.objects.select_for_update().filter(job__project=project).order_by("pk"))


def lock_session(job_id: UUID) -> AgentSession | None:
    """The session with its job as they are now, the job first; None for a job without a session."""
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    session = AgentSession.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None or session is None:
        return None
    session.job = job
    return session
