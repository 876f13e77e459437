"""The founder's controls of a build: wake, pause, resume, stop, and a message to the agent."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.actions import control
from agents.models import SessionState
from cofounder.models import User
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only, own_job
from jobs.errors import CofounderError
from jobs.models import BEING_CHECKED, Job

Verb = Callable[[Job, User], Any]


def _pause(job: Job, by: User) -> str:
    session = control.pause(job, by)
    if session.state == SessionState.PAUSED:
        return "Paused."
    if session.job.status in BEING_CHECKED:
        return "It is being checked, which costs no money. It pauses after that if there is more to do."
    return "It will pause after this step."


def _and_say(verb: Verb, sentence: str) -> Verb:
    def do(job: Job, by: User) -> str:
        verb(job, by)
        return sentence

    return do


VERBS: dict[str, Verb] = {
    "wake": _and_say(control.wake, "Waking up."),
    "pause": _pause,
    "resume": _and_say(control.resume, "Going on."),
    "stop": _and_say(control.cancel, "The build is stopped. Its files are kept."),
}


@founders_only
@require_POST
@limited("acts")
def act(request: HttpRequest, job_id: UUID, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise Http404(f"There is no action called {verb}.")
    return _do(request, job_id, lambda job: VERBS[verb](job, founder_of(request)))


@founders_only
@require_POST
@limited("messages")
def write(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A message to the agent, in the founder's words."""
    text = request.POST.get("text", "").strip()
    return _do(request, job_id, lambda job: _send(job, text, founder_of(request)))


def _send(job: Job, text: str, by: User) -> str:
    if not text:
        raise CofounderError("Write something first.")
    control.send_message(job, text, by)
    return "Sent. It is read before the next step."


def _do(request: HttpRequest, job_id: UUID, command: Callable[[Job], str]) -> HttpResponse:
    job = own_job(request, job_id)
    page = reverse("build", args=[job.pk])
    try:
        sentence = command(job)
    except CofounderError as error:
        return replies.refused(request, error, page)
    return replies.done(request, sentence, page)
