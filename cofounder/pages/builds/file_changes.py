"""What changed between two saved states of a build's files."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.models import Snapshot
from agents.snapshots import diff, history
from cofounder.pages.ownership import founders_only, own_job
from jobs.errors import CofounderError
from jobs.models import Job

PAGE = 50  # files


@founders_only
@require_safe
def changes(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """`from` and `to` name snapshots; without them, from what the build began with to its newest files."""
    job = own_job(request, job_id)
    chosen_before, chosen_after = _named(request, job, "from"), _named(request, job, "to")
    before = chosen_before or history.beginning_of(job)
    after = chosen_after or history.newest_of(job)
    context: dict[str, Any] = {
        "job": job,
        "snapshots": history.snapshots_of(job).defer("manifest"),
        "before": chosen_before,
        "chosen_after": chosen_after and chosen_after.pk,
        "after": after,
    }
    if after is not None:
        context |= _compared(request, before, after)
    return render(request, "changes.html", context)


def _compared(request: HttpRequest, before: Snapshot | None, after: Snapshot) -> dict[str, Any]:
    offset = _offset(request)
    try:
        found, total = diff.between(before, after, offset=offset, limit=PAGE)
    except CofounderError as error:
        return {"refusal": str(error)}
    end = offset + len(found)
    return {
        "changes": found,
        "total": total,
        "first": offset + 1,
        "last": end,
        "earlier": _page_at(request, max(0, offset - PAGE)) if offset else None,
        "later": _page_at(request, end) if end < total else None,
    }


def _page_at(request: HttpRequest, offset: int) -> str:
    kept = {name: request.GET[name] for name in ("from", "to") if request.GET.get(name)}
    return "?" + urlencode({**kept, "offset": offset})


def _offset(request: HttpRequest) -> int:
    given = request.GET.get("offset", "0")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise Http404("offset must be a number.")
    return int(given)


def _named(request: HttpRequest, job: Job, name: str) -> Snapshot | None:
    """The snapshot a parameter names; None when it is not given."""
    given = request.GET.get(name)
    if not given:
        return None
    try:
        snapshot = history.snapshot_of(job, UUID(given))
    except ValueError as error:
        raise Http404(f"{name} must be the id of a snapshot.") from error
    if snapshot is None:
        raise Http404("There is no such snapshot.")
    return snapshot
