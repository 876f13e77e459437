"""When a sleeping agent wakes: the first UTC midnight whose allowance covers a call, outside quiet hours."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from agents.budget import ledger, prices
from agents.budget.allowance import LEAST_MAX_TOKENS, daily_allowance
from agents.models import AgentSession, Subscription
from jobs import clock

log = structlog.get_logger(__name__)


def wake_time(
    now: datetime,
    *,
    renews_on: date,
    allowance_on: Callable[[date], int],
    least_call: int,
    quiet_from: time | None = None,
    quiet_until: time | None = None,
    time_zone: str = "UTC",
    auto_wake: bool = True,
) -> datetime | None:
    """The first midnight whose allowance (µ$) covers one call, at the latest the renewal; None: never.

    Quiet hours are half-open and local; a moment inside them moves to their end.
    """
    if not auto_wake:
        return None
    moment = clock.next_midnight(now)
    while moment.date() < renews_on and allowance_on(moment.date()) < least_call:
        moment += timedelta(days=1)
    return out_of_quiet_hours(moment, quiet_from, quiet_until, time_zone)


def out_of_quiet_hours(
    moment: datetime, quiet_from: time | None, quiet_until: time | None, time_zone: str
) -> datetime:
    """The moment, or the end of the quiet hours it lies in."""
    if quiet_from is None or quiet_until is None:
        return moment
    zone = zone_of(time_zone)
    # An end that the clocks skip lies behind the skipped hour, which can be inside the next quiet hours.
    while is_quiet(moment.astimezone(zone).time(), quiet_from, quiet_until):
        moment = _next(moment.astimezone(zone), quiet_until)
    return moment


def is_quiet(local: time, quiet_from: time, quiet_until: time) -> bool:
    """Whether a local time lies in quiet hours, which may cross midnight; equal ends mean none."""
    if quiet_from <= quiet_until:
        return quiet_from <= local < quiet_until
    return local >= quiet_from or local < quiet_until


def _next(local: datetime, wanted: time) -> datetime:
    """The first moment after `local` at which its zone's clocks show `wanted`."""
    for days in (0, 1):
        for fold in (0, 1):  # where clocks are set back, the hour comes twice
            day = local.date() + timedelta(days=days)
            found = datetime.combine(day, wanted, local.tzinfo).replace(fold=fold).astimezone(UTC)
            if found > local.astimezone(UTC):
                return found
    raise AssertionError("Every time of day comes within two days.")


def zone_of(name: str) -> ZoneInfo:
    """The time zone; UTC for a name nobody knows, so that a slip of the pen stops no build."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        log.warning("wake.unknown_time_zone", time_zone=name)
        return ZoneInfo("UTC")


# Inside a transaction


def wake_time_of(session: AgentSession) -> datetime | None:
    """When the session's agent may go on by itself, as the founder's money and settings stand."""
    subscription = Subscription.objects.select_related("tier").get(user=session.user_id)
    now = clock.now()
    return wake_time(
        now,
        renews_on=subscription.renews_on,
        allowance_on=_allowances(subscription, now.date()),
        least_call=least_call_of(session, now.date()),
        quiet_from=subscription.quiet_from,
        quiet_until=subscription.quiet_until,
        time_zone=subscription.time_zone,
        auto_wake=subscription.auto_wake,
    )


def least_call_of(session: AgentSession, day: date) -> int:
    """The worst case (µ$) of the smallest call that is worth making; 0 while nobody knows its price."""
    try:
        price = prices.price_of(session.model, day)
    except prices.UnknownModel:
        return 0
    return price.worst_case(session.context_tokens, LEAST_MAX_TOKENS)


def _allowances(subscription: Subscription, today: date) -> Callable[[date], int]:
    """What later days of the period would allow, if nothing more were spent today."""
    day = ledger.today_of(subscription.user_id)
    spent = day.spent_microdollars if day and day.day == today else 0
    left = ledger.room_in_period(subscription, today) - spent

    def allowance_on(day: date) -> int:
        return daily_allowance(left, (subscription.renews_on - day).days)

    return allowance_on
