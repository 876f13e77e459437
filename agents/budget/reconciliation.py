"""Corrects the totals of days that a crash left different from the ledger. The ledger is right."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum

from agents.budget import ledger
from agents.models import AT_WORK, AgentSession, DailyBudget, SpendEntry
from jobs import clock

LONGEST_CALL = timedelta(minutes=15)  # a call without a session that is older has nobody who waits for it


@dataclass(frozen=True)
class Orphan:
    """A reservation whose session is no longer at work; the amount is in µ$."""

    entry_id: UUID
    session_id: UUID | None  # None when its project is deleted, or for a call that belongs to no build
    day: date
    amount: int


@dataclass(frozen=True)
class Difference:
    """A day whose total differs from the ledger's; both are in µ$."""

    user_id: UUID | None
    day: date
    name: str  # spent or reserved
    recorded: int
    in_ledger: int


def release_orphans(*, dry_run: bool = False) -> list[Orphan]:
    """Release reservations of sessions that are not at work; returns what was, or would be, released."""
    reserved = SpendEntry.objects.filter(status=SpendEntry.Status.RESERVED, user__isnull=False)
    is_old = Q(created_at__lte=clock.now() - LONGEST_CALL * clock.speed())
    found = reserved.filter(Q(kind=SpendEntry.Kind.BUILD) | is_old).exclude(session__state__in=AT_WORK)
    found = found.order_by("day", "pk")
    return [orphan for entry in found if (orphan := _release(entry, dry_run))]


@transaction.atomic
def _release(entry: SpendEntry, dry_run: bool) -> Orphan | None:
    """The session may have woken since, so check again under the locks that its claim would need."""
    DailyBudget.objects.select_for_update().get(user=entry.user_id, day=entry.day)
    session = AgentSession.objects.select_for_update(no_key=True).filter(pk=entry.session_id).first()
    entry.refresh_from_db(fields=["status"])
    is_at_work = session is not None and session.state in AT_WORK
    if is_at_work or entry.status != SpendEntry.Status.RESERVED:
        return None
    if not dry_run:
        ledger.release(entry.pk)
    return Orphan(entry.pk, entry.session_id, entry.day, entry.reserved_microdollars)


def repair_days(*, dry_run: bool = False) -> list[Difference]:
    """Set every day's totals to the ledger's; returns the differences found.

    Days of founders who are gone stay as they are: their entries no longer tell whose they were.
    """
    days = DailyBudget.objects.filter(user__isnull=False).order_by("day", "pk").values_list("pk", flat=True)
    return [difference for pk in days for difference in _repair(pk, dry_run)]


@transaction.atomic
def _repair(pk: int, dry_run: bool) -> list[Difference]:
    """Every change of the ledger locks its day, so under that lock the two must agree."""
    day = DailyBudget.objects.select_for_update().get(pk=pk)
    status = SpendEntry.Status
    sums = SpendEntry.objects.filter(user=day.user_id, day=day.day).aggregate(
        spent=Sum("cost_microdollars", filter=Q(status=status.SETTLED), default=0),
        reserved=Sum(F("reserved_microdollars"), filter=Q(status=status.RESERVED), default=0),
    )
    recorded = {"spent": day.spent_microdollars, "reserved": day.reserved_microdollars}
    differences = [
        Difference(day.user_id, day.day, name, amount, sums[name])
        for name, amount in recorded.items()
        if amount != sums[name]
    ]
    if differences and not dry_run:
        day.spent_microdollars, day.reserved_microdollars = sums["spent"], sums["reserved"]
        day.save(update_fields=["spent_microdollars", "reserved_microdollars"])
    return differences
