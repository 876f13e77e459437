"""The page behind a one-time sign-in link. Opening it changes nothing; its form signs in."""

from functools import partial

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cofounder.accounts import sign_in_links
from cofounder.pages.limits import limited

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("links")
def enter(request: HttpRequest, token: str) -> HttpResponse:
    try:
        if request.method == "POST":
            return redirect(sign_in_links.use(token, partial(login, request, backend=BACKEND)))
        return render(request, "enter.html", {"entry": sign_in_links.read(token)})
    except sign_in_links.LinkUsed:
        return render(request, "enter.html", {"entry": None}, status=410)
