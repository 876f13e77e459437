"""A new project: the idea brief, the interview and a review, in a few steps of one form."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents.actions.start import start_build
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from jobs import briefs
from jobs.errors import CofounderError
from jobs.models import Project

EXAMPLE = Path(__file__).parent / "example_brief.json"
QUESTIONS = [
    "Who will use it first, and on which device?",
    "What must never go wrong?",
    "How do people do this today?",
    "Who may see or change what?",
]
FORM_ID = 36  # characters
SENT = "sent_forms"  # in the session: which forms have already become a project


def _lines(text: str) -> list[str]:
    return [line.strip(" -•\t") for line in text.splitlines() if line.strip(" -•\t")]


def _text(label: str, rows: int, hint: str = "", **options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, help_text=hint, widget=widget, strip=False, required=False, **options)


class BriefForm(forms.Form):
    """The founder's answers, checked by the same rules as in the API."""

    name = forms.CharField(label="What is it called?", required=False, strip=False)
    goal = _text(
        "What is the first version for?", 2, "One sentence. You can change the name of everything later."
    )
    problem = _text("What is the problem?", 4, "Tell it as you would to a friend who is good with tools.")
    target_user = _text("Who has it?", 2)
    solution = _text("What should it do about it?", 4)
    must_have = _text(
        "What must it be able to do?",
        5,
        "One promise per line. Each is checked before the build counts as ready.",
    )
    out_of_scope = _text(
        "What is not part of it?", 2, "One per line. Leaving things out makes the rest better."
    )
    success = _text("How will you know that it worked?", 2)

    def clean_name(self) -> str:
        return _checked(briefs.clean_name, self.cleaned_data["name"])

    def clean_goal(self) -> str:
        return _checked(briefs.clean_goal, self.cleaned_data["goal"])

    def clean_must_have(self) -> list[str]:
        lines = _lines(self.cleaned_data["must_have"])
        if not lines:
            raise forms.ValidationError("Write at least one thing that it must be able to do.")
        return lines

    def clean_out_of_scope(self) -> list[str]:
        return _lines(self.cleaned_data["out_of_scope"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("problem", "target_user", "solution", "success"):
            try:
                label = str(self.fields[name].label).rstrip("?").lower()
                data[name] = briefs.clean_text(data.get(name, ""), f"answer to “{label}”", briefs.TEXT_LIMIT)
            except briefs.BadBrief as error:
                self.add_error(name, str(error))
        return data

    def brief(self) -> dict[str, Any]:
        """The idea brief without its empty fields."""
        kept = {name: self.cleaned_data[name] for name in self.fields if name not in ("name", "goal")}
        return {name: value for name, value in kept.items() if value}


def _checked(clean: Any, value: str) -> str:
    try:
        return str(clean(value))
    except briefs.BadBrief as error:
        raise forms.ValidationError(str(error)) from error


@founders_only
@require_http_methods(["GET", "HEAD", "POST"])
@limited("projects")
def new_project(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _create(request)
    if "example" in request.GET:
        example = _example()
        return _page(request, BriefForm(initial=_initial(example)), example["interview"], draft="example")
    return _page(request, BriefForm(), [], draft="own")


def _create(request: HttpRequest) -> HttpResponse:
    form_id = request.POST.get("form_id", "")[:FORM_ID]
    if known := request.session.get(SENT, {}).get(form_id):
        return redirect(known)
    form, interview = BriefForm(request.POST), _posted_interview(request)
    if form.is_valid():
        try:
            project = briefs.create_project(
                owner=founder_of(request),
                name=form.cleaned_data["name"],
                goal=form.cleaned_data["goal"],
                idea_brief=form.brief(),
                interview=interview,
            )
        except briefs.BadBrief as error:
            form.add_error(None, str(error))
        else:
            target = _start(request, project)
            _remember(request, form_id, target)
            return redirect(target)
    return _page(request, form, interview, draft="", status=400)


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


def _posted_interview(request: HttpRequest) -> list[dict[str, str]]:
    pairs = zip(request.POST.getlist("question"), request.POST.getlist("answer"), strict=False)
    return [{"question": question, "answer": answer} for question, answer in pairs if question.strip()]


def _page(
    request: HttpRequest, form: BriefForm, interview: list[dict[str, str]], *, draft: str, status: int = 200
) -> HttpResponse:
    answers = {item["question"]: item.get("answer", "") for item in interview}
    usual = [{"question": text, "answer": answers.pop(text, "")} for text in QUESTIONS]
    own = [item for item in interview if item["question"] in answers]
    context = {"form": form, "usual": usual, "own": own, "draft": draft, "form_id": uuid4()}
    return render(request, "new_project.html", context, status=status)


@cache
def _example() -> dict[str, Any]:
    example: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return example


def _initial(example: dict[str, Any]) -> dict[str, str]:
    brief = {**example["idea_brief"], "name": example["name"], "goal": example["goal"]}
    return {name: "\n".join(value) if isinstance(value, list) else value for name, value in brief.items()}
