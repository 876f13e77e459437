"""The snapshots of a build and of those before it, in their order.

Those of a later build are newer whenever they were taken: the sandbox of an old build may be saved a last
time long after its successor.
"""

from uuid import UUID

from django.db.models import F, QuerySet

from agents.models import ENDED, Snapshot
from jobs.models import Job

NEWEST_FIRST = (F("job__build_number").desc(nulls_last=True), "-created_at", "-key")


def snapshots_of(job: Job) -> QuerySet[Snapshot]:
    """The build's own snapshots, newest first."""
    return Snapshot.objects.filter(job=job)


def newest_of(job: Job) -> Snapshot | None:
    """The newest files of the build: those it began with when it has not changed any."""
    return up_to(job.project_id, job.pk).first()


def beginning_of(job: Job) -> Snapshot | None:
    """The snapshot the build began with; None when it began with nothing, or when it is no longer kept."""
    return up_to(job.project_id, job.pk).exclude(job=job).first()


def up_to(project_id: UUID, job_id: UUID) -> QuerySet[Snapshot]:
    """The snapshots of a build and of those before it, newest first."""
    number = Job.objects.filter(pk=job_id).values("build_number")
    snapshots = Snapshot.objects.filter(project=project_id, job__build_number__lte=number)
    return snapshots.order_by(*NEWEST_FIRST)


def working_of(project_id: UUID) -> QuerySet[Snapshot]:
    """Those of which only the newest are kept; one that a build is about to go back to is not among them."""
    wanted = Snapshot.objects.filter(project=project_id, sessions__isnull=False).exclude(
        sessions__state__in=ENDED
    )
    working = Snapshot.objects.filter(project=project_id).exclude(reason=Snapshot.Reason.FINAL)
    return working.exclude(pk__in=wanted.values("pk"))


def snapshot_of(job: Job, snapshot_id: UUID) -> Snapshot | None:
    """A snapshot of the build's project."""
    return Snapshot.objects.filter(project=job.project_id, pk=snapshot_id).first()
