"""Asking for a change to what is ready: the next build begins with it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents.actions.control import MESSAGE_LIMIT
from agents.actions.start import start_build
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founders_only, own_job
from jobs import briefs
from jobs.errors import CofounderError, Conflict
from jobs.models import Job, JobStatus


@founders_only
@require_POST
@limited("start")
def ask_for_change(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Start a build for the change, from the newest files, and go to its page."""
    job = own_job(request, job_id)
    try:
        new = _start(job, request.POST.get("text", ""))
    except CofounderError as error:
        return replies.refused(request, error, reverse("build", args=[job.pk]))
    page = reverse("build", args=[new.pk])
    return HttpResponseClientRedirect(page) if replies.is_htmx(request) else redirect(page)


def _start(job: Job, text: str) -> Job:
    words = briefs.clean_text(text, "change", MESSAGE_LIMIT)
    if not words:
        raise CofounderError("Write what should be different.")
    if job.status != JobStatus.READY:
        raise Conflict("Only what is ready can be changed. While a build is under way, write to the agent.")
    new, _ = start_build(job.project, goal=words)
    return new
