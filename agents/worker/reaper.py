"""Ends sandboxes that are no longer needed: those of no session, and those unused for a long time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db.models import DateTimeField, F, OuterRef, Subquery, TextChoices
from django.db.models.functions import Greatest

from agents.builds import rescue
from agents.database import in_transaction
from agents.errors import SandboxError
from agents.models import AT_WORK, AgentSession, SessionState
from agents.sandbox import provider
from agents.sandbox.provider import Found
from jobs import clock
from jobs.models import JobEvent

log = structlog.get_logger(__name__)

UNUSED = timedelta(days=30)
YOUNG = timedelta(minutes=10)  # a new one may not be in its session's row yet
_OVER = [SessionState.FAILED, SessionState.CANCELLED]


class Why(TextChoices):
    ORPHAN = "orphan", "it belongs to no build"
    UNUSED = "unused", "it was not used for 30 days; its files are saved first"
    OVER = "over", "its build is over; its files are saved first"


@dataclass(frozen=True)
class Reaped:
    """A sandbox that was ended, or would be but for the dry run; `done` tells whether it is gone."""

    sandbox_id: str
    job_id: str
    project_id: str
    why: Why
    done: bool


async def reap(*, dry_run: bool = False) -> list[Reaped]:
    """End them, after saving files that are nowhere else. Raises `SandboxError`."""
    orphans = await in_transaction(_orphans, await provider.found(), datetime.now(UTC))
    reaped = [await _end_orphan(found, dry_run) for found in orphans]
    for session, why in await in_transaction(_useless):
        facts = (session.sandbox_id, str(session.pk), str(session.job.project_id), why)
        done = not dry_run and await rescue.save_and_end(session)
        reaped.append(Reaped(*facts, done))
    return reaped


async def _end_orphan(found: Found, dry_run: bool) -> Reaped:
    done = False
    if not dry_run:
        try:
            await provider.kill(found.sandbox_id)
            done = True
        except SandboxError as error:
            log.warning("reaping.not_ended", sandbox_id=found.sandbox_id, error=str(error))
    return Reaped(found.sandbox_id, found.job_id, found.project_id, Why.ORPHAN, done)


def _orphans(found: Sequence[Found], now: datetime) -> list[Found]:
    sessions = AgentSession.objects.all()
    known = set(sessions.exclude(sandbox_id="").values_list("sandbox_id", flat=True))
    waiting = {
        str(pk) for pk in sessions.filter(sandbox_id="", state__in=AT_WORK).values_list("pk", flat=True)
    }
    return [
        sandbox
        for sandbox in found
        if sandbox.sandbox_id not in known
        and sandbox.job_id not in waiting
        and now - sandbox.started_at > YOUNG
    ]


def _useless() -> list[tuple[AgentSession, Why]]:
    """Sessions at rest with a sandbox to end; `used_at` is their last event or the last use of their app."""
    now = clock.now()
    last = JobEvent.objects.filter(job=OuterRef("pk"), seq=OuterRef("job__last_seq")).values("created_at")
    latest = Greatest(Subquery(last, output_field=DateTimeField()), F("sandbox_used_at"), F("created_at"))
    resting = AgentSession.objects.exclude(sandbox_id="").exclude(state__in=AT_WORK)
    dated = resting.select_related("job").annotate(used_at=latest).order_by("used_at", "pk")
    over = dated.filter(state__in=_OVER, used_at__lt=now - YOUNG)
    unused = dated.exclude(state__in=_OVER).filter(used_at__lt=now - UNUSED)
    return [*((session, Why.OVER) for session in over), *((session, Why.UNUSED) for session in unused)]
