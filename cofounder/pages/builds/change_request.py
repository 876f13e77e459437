"""Asking for a change to what is ready: the words are kept, and the brief says what the change promises."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents.actions import brief
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founders_only, own_job
from jobs.errors import CofounderError, Conflict
from jobs.models import TERMINAL, Job, JobStatus


@founders_only
@require_POST
@limited("messages")
def ask_for_change(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Keep the words, and go to the brief: what is new, changed and no longer promised, and what it costs."""
    job = own_job(request, job_id)
    try:
        _keep(job, request.POST.get("text", ""))
    except CofounderError as error:
        return replies.refused(request, error, reverse("build", args=[job.pk]))
    page = reverse("brief", args=[job.project_id])
    return HttpResponseClientRedirect(page) if replies.is_htmx(request) else redirect(page)


def _keep(job: Job, text: str) -> None:
    if job.status != JobStatus.READY:
        raise Conflict("Only what is ready can be changed. While a build is under way, write to the agent.")
    if job.project.jobs.exclude(status__in=TERMINAL).exists():
        raise Conflict("Another build is already under way. Write to its agent, or wait until it is over.")
    if not brief.ask_for_change(job.project, text):
        raise CofounderError("Write what should be different.")
