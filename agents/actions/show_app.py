"""Opens the app of a finished build: which build it is, and the request to a worker to start it."""

from contextlib import suppress
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from agents.models import AgentSession, SessionState
from jobs import clock
from jobs.models import Job, JobStatus, Project
from jobs.queue import ERRANDS

SHOW = "agents.show_app"


def finished_build(project: Project) -> Job | None:
    """The build whose app is shown: the newest that became ready."""
    ready = project.jobs.filter(status=JobStatus.READY, session__state=SessionState.COMPLETED)
    return ready.order_by("-build_number").first()


def running_build(project: Project) -> Job | None:
    """The running build, once its app has been started."""
    under_way = project.jobs.exclude(status__in=[JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED])
    return under_way.exclude(preview_url="").first()


def note_use(job: Job) -> None:
    """Record that somebody opens the app now: it stays awake, and its sandbox is not reaped."""
    AgentSession.objects.filter(pk=job.pk).update(sandbox_used_at=clock.now())


def show_soon(job_id: UUID) -> None:
    """Have a worker start the app. Asking twice is harmless."""
    key = f"show {job_id}"
    with suppress(AlreadyEnqueued), transaction.atomic():
        task = app.configure_task(SHOW, queue=ERRANDS, lock=key, queueing_lock=key)
        task.defer(job_id=str(job_id))
