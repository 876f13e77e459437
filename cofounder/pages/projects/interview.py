"""The interview's pages: one question at a time on the left, the brief as it fills in on the right."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.interview import desk, rules
from agents.interview.values import Asked, How, QuestionState, Talk
from agents.models import InterviewProgress, InterviewState, InterviewTrouble
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from cofounder.pages.projects import written
from jobs.errors import CofounderError, Conflict

TROUBLES = {
    InterviewTrouble.NO_MONEY: (
        "There is no money left for questions today",
        "Nothing you said is lost. Go on tomorrow or after a top-up, or write the rest yourself now.",
    ),
    InterviewTrouble.MODEL_AWAY: (
        "The model does not answer at the moment",
        "Nothing you said is lost. Try again in a minute, or write the rest yourself.",
    ),
    InterviewTrouble.SWITCHED_OFF: (
        "Questions are switched off on this installation for now",
        "Nothing you said is lost, and you can write the rest yourself.",
    ),
    InterviewTrouble.OPERATOR: (
        "The questions cannot be asked at the moment",
        "The operator of this installation has to mend something. Nothing you said is lost.",
    ),
}


def own_interview(request: HttpRequest, interview_id: UUID) -> InterviewProgress:
    found = InterviewProgress.objects.select_related("interview__project")
    return get_object_or_404(found, pk=interview_id, user=founder_of(request))


@founders_only
@require_POST
@limited("projects")
def begin(request: HttpRequest) -> HttpResponse:
    """Begin with the sentence; where nothing can be asked, the written form with the sentence in it."""
    text = request.POST.get("text", "")
    if "write" in request.POST:
        return written.page_with(request, text)
    try:
        progress = desk.begin(founder_of(request), text)
    except CofounderError as error:
        if error.status_code == 400:
            context = {"text": text, "wrong": str(error)}
            return render(request, "new_idea.html", context, status=400)
        return written.page_with(request, text, said=str(error))
    return redirect("interview", progress.pk)


@founders_only
@require_safe
def interview(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    """The whole page, or for the page's own script only its changing part."""
    progress = own_interview(request, interview_id)
    if replies.is_htmx(request):
        return _part(request, progress)
    if progress.state == InterviewState.APPROVED:
        return redirect(brief_page(progress))
    return render(request, "interview.html", context_of(progress))


@founders_only
@require_POST
@limited("interviews")
def answer(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    progress = own_interview(request, interview_id)
    question_id, own = request.POST.get("question", ""), request.POST.get("own", "")
    choice = request.POST.get("choice")
    if choice is not None:
        how, text = How.OPTION, choice
    else:
        how = _how(request.POST.get("how", ""))
        text = own if how == How.OWN else ""
    is_change = "change" in request.POST
    return _after(
        request, progress, lambda: desk.answer(progress.pk, question_id, how, text, is_change=is_change)
    )


def _how(given: str) -> How:
    return How(given) if given in list(How) else How.OWN


@founders_only
@require_POST
@limited("interviews")
def enough(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    """That is enough: on to the brief, with what was said and typed so far."""
    progress = own_interview(request, interview_id)
    try:
        desk.enough(progress.pk, request.POST.get("own", ""))
        desk.approve(progress.pk)
    except CofounderError as error:
        return replies.refused(request, error, reverse("interview", args=[progress.pk]))
    target = brief_page(progress)
    if not replies.is_htmx(request):
        return redirect(target)
    return HttpResponse(status=204, headers={"HX-Redirect": target})


@founders_only
@require_POST
@limited("interviews")
def retry(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    progress = own_interview(request, interview_id)
    return _after(request, progress, lambda: desk.retry(progress.pk))


@founders_only
@require_POST
@limited("typing")
def keep_typed(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    """What is being typed, kept on the server; nothing on the page changes."""
    progress = own_interview(request, interview_id)
    try:
        desk.keep_typed(progress.pk, request.POST.get("question", ""), request.POST.get("own", ""))
    except CofounderError as error:
        return HttpResponse(str(error), status=error.status_code, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@founders_only
@require_safe
def write_instead(request: HttpRequest, interview_id: UUID) -> HttpResponse:
    """The written form with everything said so far."""
    progress = own_interview(request, interview_id)
    if progress.state == InterviewState.APPROVED:
        return redirect(brief_page(progress))
    return written.page_of(request, progress)


def brief_page(progress: InterviewProgress) -> str:
    return reverse("brief", args=[progress.interview.project_id])


def _after(
    request: HttpRequest, progress: InterviewProgress, act: Callable[[], InterviewProgress]
) -> HttpResponse:
    """The page after something was done; a conflict shows what another window did meanwhile."""
    said = ""
    try:
        act()
    except Conflict as error:
        said = str(error)
    except CofounderError as error:
        return replies.refused(request, error, reverse("interview", args=[progress.pk]))
    if not replies.is_htmx(request):
        return redirect("interview", progress.pk)
    return _part(request, own_interview(request, progress.pk), said=said)


def _part(request: HttpRequest, progress: InterviewProgress, said: str = "") -> HttpResponse:
    if progress.state == InterviewState.APPROVED:
        return HttpResponse(status=204, headers={"HX-Redirect": brief_page(progress)})
    return render(request, "parts/interview.html", {**context_of(progress), "said": said})


def context_of(progress: InterviewProgress) -> dict[str, Any]:
    talk = desk.talk_of(progress)
    title, advice = TROUBLES[InterviewTrouble(progress.trouble)] if progress.trouble else ("", "")
    return {
        "progress": progress,
        "project": progress.interview.project,
        "draft": talk.draft,
        "changed": set(progress.changed),
        "open": talk.open,
        "typed": progress.typed.get(talk.open.id, "") if talk.open else "",
        "earlier": [asked for asked in talk.asked if asked.state == QuestionState.ANSWERED],
        "number": _number(talk),
        "most": rules.most_questions(talk),
        "trouble_title": title,
        "trouble_advice": advice,
        "is_rehearsal": bool(settings.REHEARSAL),
    }


def _number(talk: Talk) -> int:
    """Which question this is, of those that count."""
    counted: list[Asked] = [asked for asked in talk.asked if asked.state != QuestionState.WITHDRAWN]
    return len(counted) + (0 if talk.open else 1)
