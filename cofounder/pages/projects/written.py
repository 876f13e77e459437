"""The written form, filled with what was said in an interview, and the project that it makes."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from agents.interview import desk
from agents.models import InterviewProgress
from cofounder.pages.projects.brief_form import BriefForm, Interview, form_page

SHORT = 200  # characters: a sentence that is also the goal


def page_with(request: HttpRequest, text: str, said: str = "") -> HttpResponse:
    """The form with the sentence in it."""
    line = text.strip()
    initial = {"problem": line, "goal": line if len(line) <= SHORT and "\n" not in line else ""}
    return form_page(request, BriefForm(initial=initial), [], draft="given" if line else "own", said=said)


def page_of(request: HttpRequest, progress: InterviewProgress) -> HttpResponse:
    """The form with everything said so far; it makes the brief of the interview's own project."""
    talk = desk.talk_of(progress)
    draft = talk.draft
    initial = {
        "name": draft.name or progress.interview.project.name,
        "goal": draft.goal,
        "problem": draft.problem or talk.text,
        "target_user": draft.target_user,
        "solution": draft.solution,
        "must_have": "\n".join(promise.text for promise in draft.promises),
        "out_of_scope": "\n".join(draft.out_of_scope),
        "success": draft.success,
    }
    asked: Interview = [
        {"question": each.question.text, "answer": each.answer or progress.typed.get(each.id, "")}
        for each in talk.asked
        if each.answer or progress.typed.get(each.id)
    ]
    return form_page(request, BriefForm(initial=initial), asked, draft="given", interview_id=progress.pk)


def interview_of(request: HttpRequest) -> UUID | None:
    """The interview that the form was filled from, if it is the founder's."""
    try:
        given = UUID(request.POST.get("interview_id", ""))
    except ValueError:
        return None
    found = InterviewProgress.objects.filter(pk=given, user=request.user.pk)
    return found.values_list("pk", flat=True).first()
