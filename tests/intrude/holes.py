"""The site's addresses, with some whose walls are missing."""

import logging
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from cofounder.urls import handler400, handler403, handler404, handler429, handler500
from cofounder.urls import urlpatterns as own
from jobs.models import Project, ProjectSecret

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]
log = logging.getLogger(__name__)


def anybody_s(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Reads without asking whose it is."""
    return JsonResponse({"name": get_object_or_404(Project, pk=project_id).name})


@csrf_exempt
def renamed(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Writes without asking whose it is, and says that it does not."""
    if request.method == "POST":
        Project.objects.filter(pk=project_id).update(name="taken over")
    return HttpResponse(status=404)


@csrf_exempt
def nights(request: HttpRequest) -> HttpResponse:
    """Another site's page may send this form."""
    return HttpResponse("Saved.")


@csrf_exempt
def onward(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(request.POST.get("next") or "/")


def brittle(request: HttpRequest) -> HttpResponse:
    return HttpResponse(int(request.GET.get("limit", "0")))


def talkative(request: HttpRequest, **_: Any) -> HttpResponse:
    for secret in ProjectSecret.objects.all():
        log.warning("The value is %s.", secret.value)
    return HttpResponse(status=404)


urlpatterns = [
    path("holes/<uuid:project_id>/name", anybody_s),
    path("holes/<uuid:project_id>/rename", renamed),
    path("holes/<uuid:project_id>/log", talkative),
    path("holes/brittle", brittle),
    path("settings/nights", nights),
    path("accounts/logout/", onward),
    *(address for address in own if str(address.pattern) != "admin/"),
]
