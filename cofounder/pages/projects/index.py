"""The list of a founder's projects, those that need them first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Prefetch, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agents.actions.start import start_build
from agents.interview import desk
from agents.models import AgentSession
from cofounder.models import User
from cofounder.pages import replies
from cofounder.pages.builds import state
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only, own_project
from escalations.models import AgentEscalation
from jobs.errors import CofounderError
from jobs.models import Job, Phase, Project

T = TypeVar("T")
ORDER = ["needs-you", "alarm", "working", "waiting", "asleep", "done", "idle"]


@dataclass(frozen=True)
class Row:
    """A project as the list shows it, with the state of its latest build."""

    project: Project
    job: Job | None
    label: str
    tone: str
    done: int
    total: int
    spent: int  # µ$, over all builds
    questions: int
    wake_at: datetime | None
    interview: UUID | None = None  # one that was begun, and is not a brief yet

    @property
    def rank(self) -> tuple[bool, int]:
        return (self.questions == 0, ORDER.index(self.tone))


@founders_only
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    return render(request, "projects.html", {"rows": rows_of(founder_of(request))})


@founders_only
@require_POST
@limited("start")
def start(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Begin a build of a project that has none under way."""
    project = own_project(request, project_id)
    try:
        job, _ = start_build(project)
    except CofounderError as error:
        return replies.refused(request, error, "projects")
    return redirect("build", job_id=job.pk)


def rows_of(user: User) -> list[Row]:
    """The founder's projects in six queries, however many there are."""
    builds = (
        Job.objects.select_related("session")
        .order_by("-build_number")
        .annotate(
            phases_total=Count("phases"),
            phases_done=Count("phases", filter=Q(phases__status=Phase.Status.DONE)),
        )
    )
    found = Project.objects.filter(owner=user).prefetch_related(
        Prefetch("jobs", queryset=builds, to_attr="builds")
    )
    spent: dict[UUID, int] = _sums(
        AgentSession.objects.filter(user=user).values_list("job__project").annotate(Sum("cost_microdollars"))
    )
    pending = AgentEscalation.objects.filter(project__owner=user, status=AgentEscalation.Status.PENDING)
    asked: dict[UUID, int] = _sums(pending.order_by().values_list("project").annotate(Count("pk")))
    unfinished = _sums(desk.unfinished(user.pk).values_list("interview__project", "pk"))
    rows = [
        replace(
            _row(project, spent.get(project.pk, 0), asked.get(project.pk, 0)),
            interview=unfinished.get(project.pk),
        )
        for project in found
    ]
    return sorted(rows, key=lambda row: row.rank)


def _sums(pairs: Iterable[tuple[UUID, T]]) -> dict[UUID, T]:
    return dict(pairs)


def _row(project: Any, spent: int, questions: int) -> Row:
    job = next(iter(project.builds), None)
    if job is None:
        return Row(project, None, "Not begun", "idle", 0, 0, spent, questions, None)
    session = getattr(job, "session", None)
    label, tone = state.label_of(job, session)
    wake_at = session.wake_at if session and tone in ("asleep", "alarm") and not job.is_over else None
    return Row(project, job, label, tone, job.phases_done, job.phases_total, spent, questions, wake_at)
