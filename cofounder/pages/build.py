"""The build page, and the news it asks for when the doorbell rings."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cofounder.pages import build_state, feed
from cofounder.pages.ownership import founders_only, own_job
from jobs import clock
from jobs.models import Job


@founders_only
@require_safe
def build(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = own_job(request, job_id)
    stretch = feed.newest(job)
    entries = feed.render(job, stretch, request)
    return render(request, "build.html", {**state_context(job), "entries": entries, "stretch": stretch})


@founders_only
@require_safe
def build_feed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """`after=SEQ`: what is new, with the parts of the page that show state. `before=SEQ`: the earlier."""
    job = own_job(request, job_id)
    if "before" in request.GET:
        return _earlier(request, job, _number(request, "before"))
    stretch = feed.after(job, _number(request, "after"))
    entries = feed.render_news(job, stretch, request)
    context = {**state_context(job), "entries": entries, "stretch": stretch}
    context["seen"] = stretch.last_seq or _number(request, "after")
    response = render(request, "parts/news.html", context)
    response["Cache-Control"] = "no-store"
    return response


def state_context(job: Job) -> dict[str, Any]:
    """Everything on the page but the feed."""
    state = build_state.read(job)
    return {
        "job": job,
        "state": state,
        "promises": build_state.promises_of(job),
        "documents": job.documents.order_by("pk"),
        "last_image": build_state.last_image(job) if state.is_asleep or not job.preview_url else "",
        "real_now": clock.now(),
    }


def _earlier(request: HttpRequest, job: Job, before: int) -> HttpResponse:
    stretch = feed.newest(job, before=before)
    context = {"job": job, "entries": feed.render(job, stretch, request), "stretch": stretch}
    return render(request, "parts/earlier.html", context)


def _number(request: HttpRequest, name: str) -> int:
    given = request.GET.get(name, "0")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Http404(f"{name} must be a number.")
    return int(given)
