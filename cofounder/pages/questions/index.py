"""The open questions of all projects, and the founder's answers."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from cofounder.pages import replies, secret_fields
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only, own_question
from cofounder.pages.questions.open import open_questions_of
from escalations import answers
from jobs.errors import CofounderError


@founders_only
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    pending = open_questions_of(founder_of(request)).select_related("project", "job")
    return render(request, "questions.html", {"questions": pending})


@sensitive_variables()
@sensitive_post_parameters("secret_value")
@founders_only
@require_POST
@limited("resolve")
def answer(request: HttpRequest, escalation_id: UUID) -> HttpResponse:
    """Resolve a question; its card becomes the receipt."""
    question = own_question(request, escalation_id)
    back = replies.page_of_form(request, otherwise=reverse("build", args=[question.job_id]))
    try:
        answers.resolve(
            question.pk,
            decision=request.POST.get("decision", ""),
            guidance=request.POST.get("guidance", "").strip(),
            secrets=_secrets(request),
            by=founder_of(request),
        )
    except CofounderError as error:
        return replies.refused(request, error, back)
    if not replies.is_htmx(request):
        return replies.done(request, "Thank you. The agent goes on with your answer.", back)
    question.refresh_from_db()
    context = {"question": question, "where": back == reverse("questions"), "count_too": True}
    response = render(request, "parts/question.html", context)
    response["HX-Trigger"] = replies.CHANGED
    return response


@sensitive_variables()
def _secrets(request: HttpRequest) -> dict[str, str]:
    """What was entered, unless the founder chose an option that needs no credentials."""
    with_them = (answers.PROVIDE_CREDENTIALS, answers.PROVIDE_GUIDANCE)
    return secret_fields.read(request.POST) if request.POST.get("decision") in with_them else {}
