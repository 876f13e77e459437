"""What the checks found for each promise: kept, not kept, or not judged."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from jobs.models import EventType, Job, JobStatus
from jobs.promises import same_words


class Verdict(models.TextChoices):
    """The result of a check. Only `KEPT` may be called kept."""

    KEPT = "kept", "Kept"
    NOT_KEPT = "not_kept", "Not kept"  # the check failed, or there is none although there must be one
    NOT_JUDGED = "not_judged", "Not judged"  # a rehearsal script has no check that could fail


def verdict_of(payload: Mapping[str, Any]) -> Verdict:
    """The verdict in a `check.finished` event; older ones say only whether the check passed."""
    return Verdict(payload.get("verdict") or (Verdict.KEPT if payload.get("ok") else Verdict.NOT_KEPT))


def latest_results(job: Job) -> dict[str, dict[str, Any]]:
    """The payload for each promise in the latest round of checks, by `same_words`, in that order.

    Of several checks of one promise, one that did not pass counts.
    """
    rounds = job.events.filter(type=EventType.JOB_STATUS, payload__status=JobStatus.CHECKS)
    began = rounds.order_by("-seq").values_list("seq", flat=True).first()
    finished = job.events.filter(type=EventType.CHECK_FINISHED, seq__gt=began or 0).order_by("seq")
    found: dict[str, dict[str, Any]] = {}
    for payload in finished.values_list("payload", flat=True):
        key = same_words(str(payload.get("promise", "")))
        if key not in found or verdict_of(found[key]) == Verdict.KEPT:
            found[key] = payload
    return found


def not_judged(job: Job) -> int:
    """How many promises the latest round of checks did not judge."""
    return [verdict_of(payload) for payload in latest_results(job).values()].count(Verdict.NOT_JUDGED)
