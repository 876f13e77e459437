"""The founder's controls of a build: wake, pause, resume, stop, and a message to the agent."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.actions import control
from cofounder.models import User
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only, own_job
from jobs.errors import CofounderError
from jobs.models import Job

Verb = Callable[..., Any]
VERBS: dict[str, tuple[Verb, str]] = {
    "wake": (control.wake, "Waking up."),
    "pause": (control.pause, "It will pause after this step."),
    "resume": (control.resume, "Going on."),
    "stop": (control.cancel, "The build is stopped. Its files are kept."),
}


@founders_only
@require_POST
@limited("acts")
def act(request: HttpRequest, job_id: UUID, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise Http404(f"There is no action called {verb}.")
    command, sentence = VERBS[verb]
    return _do(request, job_id, lambda job: command(job, founder_of(request)), sentence)


@founders_only
@require_POST
@limited("messages")
def write(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A message to the agent, in the founder's words."""
    text = request.POST.get("text", "").strip()
    return _do(
        request,
        job_id,
        lambda job: _send(job, text, founder_of(request)),
        "Sent. It is read before the next step.",
    )


def _send(job: Job, text: str, by: User) -> None:
    if not text:
        raise CofounderError("Write something first.")
    control.send_message(job, text, by)


def _do(request: HttpRequest, job_id: UUID, command: Verb, sentence: str) -> HttpResponse:
    job = own_job(request, job_id)
    page = reverse("build", args=[job.pk])
    try:
        command(job)
    except CofounderError as error:
        return replies.refused(request, error, page)
    return replies.done(request, sentence, page)
