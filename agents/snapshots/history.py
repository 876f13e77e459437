"""The snapshots of a build and of the builds before it, in order.

A later build's snapshots count as newer whenever they were taken: the sandbox of an old build may be saved
for the last time long after the next build has begun.
"""

from uuid import UUID

from django.db.models import F, QuerySet

from agents.models import ENDED, Snapshot
from jobs.models import Job

NEWEST_FIRST = (F("job__build_number").desc(nulls_last=True), "-created_at", "-key")


def folder(project_id: UUID) -> str:
    """Where a project's archives are in the storage."""
    return f"projects/{project_id}/snapshots"


def snapshots_of(job: Job) -> QuerySet[Snapshot]:
    """The build's own snapshots, newest first."""
    return Snapshot.objects.filter(job=job)


def newest_of(job: Job) -> Snapshot | None:
    """The build's newest snapshot; the one it began with if it has none of its own."""
    return up_to(job.project_id, job.pk).first()


def beginning_of(job: Job) -> Snapshot | None:
    """The snapshot the build began with; None when it began empty, or when that is no longer kept."""
    return up_to(job.project_id, job.pk).exclude(job=job).first()


def up_to(project_id: UUID, job_id: UUID) -> QuerySet[Snapshot]:
    """The snapshots of a build and of the builds before it, newest first."""
    number = Job.objects.filter(pk=job_id).values("build_number")
    snapshots = Snapshot.objects.filter(project=project_id, job__build_number__lte=number)
    return snapshots.order_by(*NEWEST_FIRST)


def working_of(project_id: UUID) -> QuerySet[Snapshot]:
    """The project's working snapshots, of which only the newest are kept.

    Final ones are not among them, nor is one that an unfinished build was started from.
    """
    wanted = Snapshot.objects.filter(project=project_id, sessions__isnull=False).exclude(
        sessions__state__in=ENDED
    )
    working = Snapshot.objects.filter(project=project_id).exclude(reason=Snapshot.Reason.FINAL)
    return working.exclude(pk__in=wanted.values("pk"))


def snapshot_of(job: Job, snapshot_id: UUID) -> Snapshot | None:
    """The snapshot with this id, if it is of the build's project."""
    return Snapshot.objects.filter(project=job.project_id, pk=snapshot_id).first()
