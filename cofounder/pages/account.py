"""The founder's account: address, plan, today's money."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.models import Subscription
from cofounder.pages import build_state
from cofounder.pages.ownership import founders_only


@founders_only
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    subscription = Subscription.objects.select_related("tier").filter(user=request.user.pk).first()
    context = {"subscription": subscription, "money": build_state.money_of(request.user.pk)}
    return render(request, "settings.html", context)
