"""The page behind the link in a question's e-mail: read and answered without signing in.

Opening it does not use it up, since mail scanners open links too. Only the answer does.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from agents.notifications import mail
from cofounder.pages.limits import limited
from escalations import answers, links
from escalations.models import AgentEscalation, AnswerLink
from jobs.errors import CofounderError, Conflict

RENEW = "renew"  # the button of an expired link


def _kept_to_itself(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The address is a secret: no other site and no search engine may learn it."""

    @wraps(page)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        response = page(request, token)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return wrapped


@never_cache
@_kept_to_itself
# The token in the address is all that counts, and no other site knows it. A CSRF token could not be
# checked here: browsers that send no referrer send no origin either.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@limited("links")
def answer_link(request: HttpRequest, token: str) -> HttpResponse:
    try:
        link = links.find(token)
    except links.LinkDamaged as error:
        return _page(request, "damaged", error.status_code, sentence=str(error))
    if request.user.is_authenticated and request.user != link.escalation.project.owner:
        return _page(request, "elsewhere", 404)
    if links.has_expired(link):
        return _expired(request, link, token)
    if request.method == "POST":
        return _answer(request, link, token)
    return _question(request, link)


def _answer(request: HttpRequest, link: AnswerLink, token: str) -> HttpResponse:
    words = {name: request.POST.get(name, "") for name in ("decision", "guidance")}
    try:
        links.answer(token, decision=words["decision"], guidance=words["guidance"].strip())
    except Conflict as error:
        link.refresh_from_db()
        return _question(request, link, error.status_code, sentence=str(error))
    except CofounderError as error:
        return _question(request, link, error.status_code, sentence=str(error), words=words)
    return redirect(request.path)


def _question(request: HttpRequest, link: AnswerLink, status: int = 200, **context: Any) -> HttpResponse:
    """The question while it is open, then its answer."""
    question = link.escalation
    by_value = {option["value"]: option for option in question.options}
    return _page(
        request,
        question.status,
        status,
        link=link,
        question=question,
        decided=by_value.get(question.founder_decision),
        own_words=by_value.get(answers.PROVIDE_GUIDANCE),
        **context,
    )


def _expired(request: HttpRequest, link: AnswerLink, token: str) -> HttpResponse:
    """An expired link shows nothing of its question; a new one is sent only to the founder's address."""
    if link.escalation.status != AgentEscalation.Status.PENDING:
        return _page(request, "expired", 410, is_over=True)
    is_asked = request.method == "POST" and request.POST.get("decision") == RENEW
    if not is_asked:
        return _page(request, "expired", 410)
    return _page(request, "renewed", 200, is_new=mail.send_another(token))


def _page(request: HttpRequest, state: str, status: int, **context: Any) -> HttpResponse:
    return render(request, "answer_link.html", {"state": state, **context}, status=status)
