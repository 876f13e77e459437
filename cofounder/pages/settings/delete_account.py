"""Founders delete their own account, with everything it holds."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agents.actions.account import delete_account
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from jobs.errors import CofounderError


@founders_only
@require_POST
@limited("account")
def delete(request: HttpRequest) -> HttpResponse:
    try:
        delete_account(founder_of(request), request.POST.get("confirm", ""))
    except CofounderError as error:
        return replies.refused(request, error, "settings")
    logout(request)
    messages.success(request, "Your account is deleted, with everything in it. Goodbye, and good luck.")
    return redirect("home")
