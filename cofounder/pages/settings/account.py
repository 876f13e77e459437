"""The founder's settings: address, plan, today's money, quiet hours, and tokens for programs."""

from datetime import time
from typing import Any
from zoneinfo import available_timezones

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_time
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from knox.models import AuthToken

from agents.actions import quiet_hours
from agents.budget import reports
from agents.models import Subscription
from cofounder.accounts.second_factor import has_second_factor
from cofounder.accounts.signals import has_confirmed
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.money import change
from cofounder.pages.money.today import money_of
from cofounder.pages.ownership import founder_of, founders_only
from jobs import clock
from jobs.errors import CofounderError

MOST_TOKENS = 50


@founders_only
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@founders_only
@require_POST
def set_nights(request: HttpRequest) -> HttpResponse:
    """Quiet hours, their time zone, and whether agents wake by themselves."""
    given = request.POST
    try:
        quiet_hours.set_nights(
            founder_of(request),
            auto_wake="auto_wake" in given,
            quiet_from=_time(given.get("quiet_from", "")),
            quiet_until=_time(given.get("quiet_until", "")),
            time_zone=given.get("time_zone", "").strip(),
        )
    except CofounderError as error:
        return replies.refused(request, error, "/settings#nights")
    return replies.done(request, "Saved. Sleeping agents follow it at once.", "/settings#nights")


@founders_only
@never_cache
@require_POST
@limited("tokens")
def make_token(request: HttpRequest) -> HttpResponse:
    """The page with a new token; only this response ever shows it."""
    if _tokens(request).count() >= MOST_TOKENS:
        refusal = CofounderError(f"There are {MOST_TOKENS} tokens already. Revoke one that is not used.")
        return replies.refused(request, refusal, "/settings#tokens")
    _, token = AuthToken.objects.create(founder_of(request))
    return _page(request, new_token=token)


@founders_only
@require_POST
def revoke_token(request: HttpRequest, digest: str) -> HttpResponse:
    ended, _ = _tokens(request).filter(pk=digest).delete()
    if not ended:
        raise Http404("There is no such token.")
    return replies.done(request, "Revoked. Whoever used it is signed out.", "/settings#tokens")


@founders_only
@require_POST
def revoke_tokens(request: HttpRequest) -> HttpResponse:
    """All at once, for when one may be in wrong hands and nobody knows which."""
    _tokens(request).delete()
    return replies.done(request, "All tokens are revoked.", "/settings#tokens")


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    user = founder_of(request)
    subscription = Subscription.objects.select_related("tier").filter(user=user.pk).first()
    context = {
        "subscription": subscription,
        "money": money_of(user.pk),
        "budget": reports.budget_of(user),
        "may_top_up": change.may_top_up(),
        "time_zones": sorted(available_timezones()),
        "tokens": _tokens(request),
        "real_now": clock.now(),
        "day_begins": clock.next_midnight(clock.now()),
        "has_second_factor": has_second_factor(user),
        "has_confirmed": has_confirmed(user),
        **more,
    }
    return render(request, "settings.html", context, status=201 if "new_token" in more else 200)


def _tokens(request: HttpRequest) -> Any:
    return AuthToken.objects.filter(user=request.user.pk).order_by("-created")


def _time(given: str) -> time | None:
    """A time of day as a browser sends it; None when it is empty."""
    if not given.strip():
        return None
    try:
        found = parse_time(given.strip())
    except ValueError:
        found = None
    if found is None:
        raise CofounderError("Write a time of day as 22:00.")
    return found.replace(second=0, microsecond=0, tzinfo=None)
