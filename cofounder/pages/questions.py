"""The open questions of all projects, and the founder's answers."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from cofounder.pages import build_state, replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founders_only, own_question
from escalations import answers
from jobs.errors import CofounderError


@founders_only
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    pending = build_state.open_questions_of(request.user).select_related("project", "job")
    return render(request, "questions.html", {"questions": pending})


@founders_only
@require_POST
@limited("resolve")
def answer(request: HttpRequest, escalation_id: UUID) -> HttpResponse:
    """Resolve a question; the card that asked it becomes the receipt."""
    question = own_question(request, escalation_id)
    back = _back(request, question.job_id)
    try:
        answers.resolve(
            question.pk,
            decision=request.POST.get("decision", ""),
            guidance=request.POST.get("guidance", "").strip(),
            by=request.user,
        )
    except CofounderError as error:
        return replies.refused(request, error, back)
    if not replies.is_htmx(request):
        return replies.done(request, "Thank you. The agent goes on with your answer.", back)
    question.refresh_from_db()
    context = {"question": question, "entry_id": f"entry-{question.pk}", "count_too": True}
    response = render(request, "parts/question.html", context)
    response["HX-Trigger"] = replies.CHANGED
    return response


def _back(request: HttpRequest, job_id: UUID) -> str:
    """The page the answer was given on."""
    wanted = request.POST.get("back", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("build", args=[job_id])
