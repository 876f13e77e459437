"""The money: a day's allowance, the worst case reserved before each call, and what it really cost after.

All amounts are integer µ$. The functions work inside the caller's transaction and lock the founder's
`DailyBudget` first; the sums they make are `agents.budget.allowance`.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Sum

from agents.budget import prices
from agents.budget.allowance import (
    LEAST_MAX_TOKENS,
    USUAL_MAX_TOKENS,
    ceiling,
    context_limit_of,
    daily_allowance,
    period_start,
)
from agents.models import AgentSession, BudgetChange, DailyBudget, SpendEntry, Subscription
from agents.usage import Usage
from jobs import clock

INSTALL_LOCK = 0x636F666F  # the advisory lock of whoever reckons with MAX_DAILY_SPEND


class NoRoom(Exception):
    """The next call could pass the ceiling, so it is not made."""


@dataclass(frozen=True)
class Grant:
    """Money set aside for one model call."""

    entry_id: UUID
    max_tokens: int
    day: date  # of the reservation


def remaining_in_period(subscription: Subscription, today: date) -> int:
    """The period's budget with its top-ups, less what was settled on the days before today."""
    start = period_start(subscription.renews_on)
    added = BudgetChange.objects.filter(
        user=subscription.user_id,
        day__gte=start,
        kind__in=[BudgetChange.Kind.TOP_UP, BudgetChange.Kind.OVERRIDE],
    ).aggregate(total=Sum("amount_microdollars", default=0))["total"]
    spent = DailyBudget.objects.filter(user=subscription.user_id, day__gte=start, day__lt=today).aggregate(
        total=Sum("spent_microdollars", default=0)
    )["total"]
    return int(subscription.monthly_budget_microdollars + added - spent)


def room_in_period(subscription: Subscription, today: date) -> int:
    """What is left of the period if every call still open since an earlier day costs its worst case."""
    earlier = DailyBudget.objects.filter(
        user=subscription.user_id, day__gte=period_start(subscription.renews_on), day__lt=today
    )
    still_open = earlier.aggregate(total=Sum("reserved_microdollars", default=0))["total"]
    return remaining_in_period(subscription, today) - int(still_open)


def lock_day(subscription: Subscription, today: date) -> DailyBudget:
    """Today's row, locked; the founder's first call of a UTC day fixes its allowance."""
    allowance = daily_allowance(
        remaining_in_period(subscription, today), (subscription.renews_on - today).days
    )
    DailyBudget.objects.get_or_create(
        user_id=subscription.user_id, day=today, defaults={"allowance_microdollars": allowance}
    )
    return DailyBudget.objects.select_for_update().get(user_id=subscription.user_id, day=today)


def lock_day_of(session: AgentSession) -> DailyBudget:
    subscription = Subscription.objects.select_related("tier").get(user=session.user_id)
    return lock_day(subscription, clock.today())


def reserve(
    session: AgentSession,
    input_tokens: int,
    *,
    is_retry: bool = False,
    most_tokens: int = USUAL_MAX_TOKENS,
) -> Grant:
    """Set the worst case of the session's next call aside, shrinking its output to what fits.

    Raises `NoRoom` when not even a short answer fits under the day's ceiling or the install's.
    """
    day = lock_day_of(session)
    price = prices.price_of(session.model, day.day)
    max_tokens = _output_granted(session.user_id, day, price, input_tokens, most_tokens)
    if max_tokens < LEAST_MAX_TOKENS:
        raise NoRoom
    return _set_aside(
        SpendEntry(
            user_id=session.user_id,
            session=session,
            phase=session.current_phase,
            day=day.day,
            model=session.model,
            max_tokens=max_tokens,
            is_retry=is_retry,
        ),
        price.worst_case(input_tokens, max_tokens),
        day,
    )


def reserve_apart(
    subscription: Subscription,
    kind: SpendEntry.Kind,
    *,
    model: str,
    input_tokens: int,
    most_tokens: int,
    least_tokens: int,
    room: int,
) -> Grant:
    """Set the worst case of a call aside that belongs to no session; it may cost `room` µ$ at the most.

    The day's ceiling and the install's hold as for a build. Raises `NoRoom`.
    """
    day = lock_day(subscription, clock.today())
    price = prices.price_of(model, day.day)
    fits = price.output_that_fits(input_tokens, room)
    max_tokens = min(fits, _output_granted(subscription.user_id, day, price, input_tokens, most_tokens))
    if max_tokens < least_tokens:
        raise NoRoom
    entry = SpendEntry(
        user_id=subscription.user_id, kind=kind, day=day.day, model=model, max_tokens=max_tokens
    )
    return _set_aside(entry, price.worst_case(input_tokens, max_tokens), day)


def _set_aside(entry: SpendEntry, amount: int, day: DailyBudget) -> Grant:
    DailyBudget.objects.filter(pk=day.pk).update(reserved_microdollars=F("reserved_microdollars") + amount)
    entry.reserved_microdollars = amount
    entry.price_version = prices.price_of(entry.model, day.day).version
    entry.created_at = clock.now()
    entry.save(force_insert=True)
    return Grant(entry.pk, entry.max_tokens, day.day)


def context_limit(model: str, day: DailyBudget) -> int:
    """Above how many tokens of input the session's transcript is summed up today."""
    return context_limit_of(prices.price_of(model, day.day), day.allowance_microdollars)


def has_room(session: AgentSession, input_tokens: int) -> bool:
    """Whether a call of the session would be granted now."""
    day = lock_day_of(session)
    price = prices.price_of(session.model, day.day)
    return _output_granted(session.user_id, day, price, input_tokens) >= LEAST_MAX_TOKENS


def _output_granted(
    user_id: UUID,
    day: DailyBudget,
    price: prices.Price,
    input_tokens: int,
    most_tokens: int = USUAL_MAX_TOKENS,
) -> int:
    subscription = Subscription.objects.select_related("tier").get(user=user_id)
    used = day.spent_microdollars + day.reserved_microdollars
    room = ceiling(day.allowance_microdollars, room_in_period(subscription, day.day)) - used
    room = min(room, _room_of_install(day.day))
    return min(most_tokens, price.output_that_fits(input_tokens, room))


def _room_of_install(today: date) -> int:
    """What `MAX_DAILY_SPEND` leaves of today for everybody together."""
    if not settings.MAX_DAILY_SPEND:
        return 10**15
    with connection.cursor() as cursor:  # one founder at a time: their days are different rows
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
    used = DailyBudget.objects.filter(day=today).aggregate(
        total=Sum(F("spent_microdollars") + F("reserved_microdollars"), default=0)
    )["total"]
    return int(settings.MAX_DAILY_SPEND - used)


def settle(entry_id: UUID, usage: Usage) -> tuple[SpendEntry, DailyBudget]:
    """Replace a reservation by what the call used. It counts for the day of the reservation."""
    entry = SpendEntry.objects.get(pk=entry_id)
    day = _close(entry, prices.price_of(entry.model, entry.day).cost(usage))
    _record_usage(entry, usage)
    return entry, day


def _record_usage(entry: SpendEntry, usage: Usage) -> None:
    cost = prices.price_of(entry.model, entry.day).cost(usage)
    SpendEntry.objects.filter(pk=entry.pk).update(
        status=SpendEntry.Status.SETTLED,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_write_5m_tokens=usage.cache_write_5m_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cost_microdollars=cost,
        settled_at=clock.now(),
    )
    entry.cost_microdollars = cost


def settle_late(entry_id: UUID, usage: Usage) -> None:
    """Bill an interrupted call, also when its reservation was given back since; once billed it stays so.

    For a founder who is gone it counts for any nameless row of that day: only their sum means something.
    """
    entry = SpendEntry.objects.get(pk=entry_id)
    if entry.user_id is None:
        _settle_nameless(entry, usage)
        return
    day = DailyBudget.objects.select_for_update().get(user=entry.user_id, day=entry.day)
    entry.refresh_from_db(fields=["status"])
    if entry.status == SpendEntry.Status.SETTLED:
        return
    if entry.status == SpendEntry.Status.RELEASED:
        DailyBudget.objects.filter(pk=day.pk).update(
            reserved_microdollars=F("reserved_microdollars") + entry.reserved_microdollars
        )
        SpendEntry.objects.filter(pk=entry.pk).update(status=SpendEntry.Status.RESERVED)
    cost = settle(entry_id, usage)[0].cost_microdollars
    AgentSession.objects.filter(pk=entry.session_id).update(cost_microdollars=F("cost_microdollars") + cost)


def _settle_nameless(entry: SpendEntry, usage: Usage) -> None:
    day = DailyBudget.objects.select_for_update().filter(user=None, day=entry.day).order_by("pk").first()
    entry.refresh_from_db(fields=["status"])
    if entry.status == SpendEntry.Status.SETTLED:
        return
    _record_usage(entry, usage)
    if day is not None:
        day.spent_microdollars += entry.cost_microdollars
        day.save(update_fields=["spent_microdollars"])


def release(entry_id: UUID) -> None:
    """Give a reservation back: its call was never made, or used nothing."""
    entry = SpendEntry.objects.get(pk=entry_id)
    _close(entry, 0)
    SpendEntry.objects.filter(pk=entry.pk).update(status=SpendEntry.Status.RELEASED, settled_at=clock.now())


def release_all_of(session_id: UUID) -> None:
    """Give back what an earlier run reserved and cannot use any more."""
    open_entries = SpendEntry.objects.filter(session=session_id, status=SpendEntry.Status.RESERVED)
    for entry_id in open_entries.values_list("pk", flat=True):
        release(entry_id)


def _close(entry: SpendEntry, cost: int) -> DailyBudget:
    day = DailyBudget.objects.select_for_update().get(user=entry.user_id, day=entry.day)
    still_open = SpendEntry.objects.filter(pk=entry.pk, status=SpendEntry.Status.RESERVED).exists()
    if still_open:
        day.reserved_microdollars = max(0, day.reserved_microdollars - entry.reserved_microdollars)
        day.spent_microdollars += cost
        day.save(update_fields=["reserved_microdollars", "spent_microdollars"])
    return day


def today_of(user_id: UUID) -> DailyBudget | None:
    """Today's row, if the founder has spent or reserved anything today."""
    return DailyBudget.objects.filter(user=user_id, day=clock.today()).first()
