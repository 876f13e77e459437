"""The response to a founder's action: for htmx a note on the page, otherwise a redirect with a message."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cofounder.accounts.sign_in_links import is_own_path
from jobs.errors import CofounderError

CHANGED = "build-changed"  # the event that makes the page ask for updates at once


def done(request: HttpRequest, sentence: str, back: str) -> HttpResponse:
    if not is_htmx(request):
        messages.success(request, sentence)
        return redirect(back)
    return _notice(request, sentence, "done", 200, **{"HX-Trigger": CHANGED})


def refused(request: HttpRequest, error: CofounderError, back: str) -> HttpResponse:
    if not is_htmx(request):
        messages.error(request, str(error))
        return redirect(back)
    return _notice(request, str(error), "refused", error.status_code)


def page_of_form(request: HttpRequest, otherwise: str) -> str:
    """The page that the form was on: its field `back`, if that is a path of this site."""
    page = request.POST.get("back", "")
    return page if is_own_path(page) else otherwise


def is_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]  # set by django-htmx


def _notice(request: HttpRequest, sentence: str, kind: str, status: int, **headers: Any) -> HttpResponse:
    response = render(request, "parts/notice.html", {"sentence": sentence, "kind": kind}, status=status)
    for name, value in {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML", **headers}.items():
        response[name] = value
    return response
