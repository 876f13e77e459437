"""A new project: one box for a sentence; or the idea brief, an interview and a review in one written form."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents.actions.start import start_build
from agents.interview import desk
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from cofounder.pages.projects import written
from cofounder.pages.projects.brief_form import BriefForm, Interview, form_page, posted_interview
from jobs import briefs
from jobs.errors import CofounderError
from jobs.models import Project

EXAMPLE = Path(__file__).parent / "example_brief.json"
FORM_ID = 36  # characters
SENT = "sent_forms"  # in the session: which forms have already become a project


@founders_only
@require_http_methods(["GET", "HEAD", "POST"])
@limited("projects")
def new_project(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _create(request)
    if "example" in request.GET:
        example = _example()
        form = BriefForm(initial=_initial(example))
        return form_page(request, form, example["interview"], draft="example")
    if "write" in request.GET:
        return form_page(request, BriefForm(), [], draft="own")
    return render(request, "new_idea.html", {"unfinished": desk.unfinished(founder_of(request).pk)[:3]})


def _create(request: HttpRequest) -> HttpResponse:
    form_id = request.POST.get("form_id", "")[:FORM_ID]
    if known := request.session.get(SENT, {}).get(form_id):
        return redirect(known)
    form, interview = BriefForm(request.POST), posted_interview(request)
    if form.is_valid():
        try:
            project = _project(request, form, interview)
        except briefs.BadBrief as error:
            form.add_error(None, str(error))
        else:
            target = _start(request, project)
            _remember(request, form_id, target)
            return redirect(target)
    interview_id = written.interview_of(request)
    return form_page(request, form, interview, draft="", status=400, interview_id=interview_id)


def _project(request: HttpRequest, form: BriefForm, interview: Interview) -> Project:
    """A new one, or that of the interview that the form was filled from."""
    given: dict[str, Any] = {
        "name": form.cleaned_data["name"],
        "goal": form.cleaned_data["goal"],
        "idea_brief": form.brief(),
        "interview": interview,
    }
    if interview_id := written.interview_of(request):
        return desk.close_written(interview_id, **given)
    return briefs.create_project(owner=founder_of(request), **given)


def _start(request: HttpRequest, project: Project) -> str:
    """The build's address, or the list with a message: the project is kept even if the build cannot start."""
    try:
        job, _ = start_build(project)
    except CofounderError as error:
        messages.error(request, f"“{project.name}” is saved, but its build could not start. {error}")
        return "/projects"
    return f"/builds/{job.pk}"


def _remember(request: HttpRequest, form_id: str, target: str) -> None:
    """A form that is sent again (reload, back) leads to the project it made the first time."""
    sent = dict(request.session.get(SENT, {}))
    sent[form_id] = target
    request.session[SENT] = dict(list(sent.items())[-20:])


@cache
def _example() -> dict[str, Any]:
    example: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return example


def _initial(example: dict[str, Any]) -> dict[str, str]:
    brief = {**example["idea_brief"], "name": example["name"], "goal": example["goal"]}
    return {name: "\n".join(value) if isinstance(value, list) else value for name, value in brief.items()}
