"""The written form of a brief: its fields, checked by the same rules as in the API, and its page."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jobs import briefs

Interview = list[dict[str, str]]

QUESTIONS = [
    "Who will use it first, and on which device?",
    "What must never go wrong?",
    "How do people do this today?",
    "Who may see or change what?",
]


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


def posted_interview(request: HttpRequest) -> Interview:
    pairs = zip(request.POST.getlist("question"), request.POST.getlist("answer"), strict=False)
    return [{"question": question, "answer": answer} for question, answer in pairs if question.strip()]


def form_page(
    request: HttpRequest,
    form: BriefForm,
    interview: Interview,
    *,
    draft: str,
    status: int = 200,
    said: str = "",
    interview_id: UUID | None = None,
) -> HttpResponse:
    """The form; `draft` names what the browser keeps of it, `said` is why there are no questions."""
    answers = {item["question"]: item.get("answer", "") for item in interview}
    usual = [{"question": text, "answer": answers.pop(text, "")} for text in QUESTIONS]
    context = {
        "form": form,
        "usual": usual,
        "own": [item for item in interview if item["question"] in answers],
        "draft": draft,
        "form_id": uuid4(),
        "said": said,
        "interview_id": interview_id,
    }
    return render(request, "new_project.html", context, status=status)
