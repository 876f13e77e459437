"""The build page, and the updates it fetches when its socket signals a change."""

from functools import cache
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from cofounder.pages.builds import feed, panels, phase_filter, state
from cofounder.pages.builds.phase_filter import Span
from cofounder.pages.money import change, spending
from cofounder.pages.ownership import founders_only, own_job
from jobs import clock
from jobs.api.pagination import as_number
from jobs.models import Job


@founders_only
@require_safe
def build(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """`phase=NAME`: the log shows that phase alone."""
    job = own_job(request, job_id)
    spans, phase = _phase_asked_for(request, job)
    stretch = feed.newest(job, wanted=phase_filter.condition(spans, phase))
    context = {
        **state_context(job),
        **_phases(spans, phase),
        "entries": feed.render(job, stretch, request),
        "stretch": stretch,
        "seen": max(job.last_seq, stretch.last_seq),
        "may_top_up": change.may_top_up(),
    }
    return render(request, "build.html", context)


@founders_only
@require_safe
def build_feed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """`after=SEQ`: what is new, with the panels it changed (`all`: every panel). `before=SEQ`: older ones."""
    job = own_job(request, job_id)
    spans, phase = _phase_asked_for(request, job)
    if "before" in request.GET:
        return _earlier(request, job, spans, phase)
    stretch = feed.after(job, _number(request, "after"))
    context = {
        **state_context(job),
        **_phases(spans, phase),
        "entries": feed.render_news(job, stretch, request, spans, phase),
        "stretch": stretch,
        "seen": stretch.last_seq or _number(request, "after"),
        "panels": panels.ALL if "all" in request.GET else panels.changed_by(stretch.events),
    }
    response = render(request, "parts/news.html", context)
    response["Cache-Control"] = "no-store"
    return response


def state_context(job: Job) -> dict[str, Any]:
    """Everything on the page except the feed; what only one panel shows is loaded when it is drawn."""
    promises = cache(lambda: state.promises_of(job))
    return {
        "job": job,
        "state": state.read(job),
        "promises": SimpleLazyObject(promises),
        "is_unchecked_change": SimpleLazyObject(lambda: state.is_unchecked_change(job)),
        "tally": SimpleLazyObject(lambda: state.tally_of(promises())),
        "documents": job.documents.order_by("pk"),
        "saved": SimpleLazyObject(lambda: state.last_saved(job)),
        "spending": SimpleLazyObject(lambda: spending.spending_of(job)),
        "last_image": SimpleLazyObject(lambda: state.last_image(job)),
        "real_now": clock.now(),
    }


def _phase_asked_for(request: HttpRequest, job: Job) -> tuple[list[Span], str]:
    """When each phase was under way, and the phase to show; "" for everything."""
    spans = phase_filter.spans_of(job)
    phase = request.GET.get("phase", "")
    return spans, phase if phase in phase_filter.names(spans) else ""


def _phases(spans: list[Span], phase: str) -> dict[str, Any]:
    return {"phase_names": phase_filter.names(spans), "phase": phase}


def _earlier(request: HttpRequest, job: Job, spans: list[Span], phase: str) -> HttpResponse:
    wanted = phase_filter.condition(spans, phase)
    stretch = feed.newest(job, before=_number(request, "before"), wanted=wanted)
    context = {
        "job": job,
        "phase": phase,
        "entries": feed.render(job, stretch, request),
        "stretch": stretch,
    }
    return render(request, "parts/earlier.html", context)


def _number(request: HttpRequest, name: str) -> int:
    number = as_number(request.GET.get(name, "0"))
    if number is None:
        raise Http404(f"{name} must be a number.")
    return number
