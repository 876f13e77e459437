"""Changes of a founder's money by a person: more for the period, more or less today, a correction.

Each is one transaction that takes effect at once: today's allowance is reckoned anew under its lock, every
build under way says so, and whoever sleeps for want of money and has room again goes on. Locks are taken in
the order DailyBudget, Job, AgentSession.
"""

from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Sum

from agents.budget import ledger
from agents.budget.allowance import budget_pct, daily_allowance, is_winding_down
from agents.budget.amounts import checked, dollars
from agents.budget.prices import UnknownModel
from agents.budget.renewal import renew_if_due
from agents.budget.wake_time import out_of_quiet_hours, wake_time_of
from agents.models import ASLEEP, AgentSession, BudgetChange, DailyBudget, Subscription
from agents.session import live_keys
from agents.session.facts import budget_fact
from agents.session.locks import lock_under_way
from jobs import clock, events
from jobs.errors import CofounderError, PaymentNeeded
from jobs.queue import enqueue_agent_run

log = structlog.get_logger(__name__)

REASON_LIMIT = 300
CHANGE_MONEY = "agents.add_budgetchange"


class NotAllowed(CofounderError):
    """Only an administrator can add money, and nobody to their own account. Please ask for it."""

    status_code = 403
    code = "permission_denied"


@transaction.atomic
def top_up(user: AbstractUser, amount: Any, *, by: AbstractUser | None, reason: str = "") -> DailyBudget:
    """Add money to the running period. Raises `NotAllowed`: a founder's own needs SELF_SERVICE_TOP_UP."""
    if checked(amount) <= 0:
        raise CofounderError("A top-up must be more than $0.", field="amount_microdollars")
    if not (settings.SELF_SERVICE_TOP_UP and _is_own(user, by)):
        _need_right(user, by)
    return _change_period(user, BudgetChange.Kind.TOP_UP, amount, by, reason)


@transaction.atomic
def override(user: AbstractUser, amount: Any, by: AbstractUser | None, reason: str = "") -> DailyBudget:
    """Correct the running period's money, up or down. Raises `NotAllowed`."""
    if checked(amount) == 0:
        raise CofounderError("A correction of $0 changes nothing.", field="amount_microdollars")
    _need_right(user, by)
    return _change_period(user, BudgetChange.Kind.OVERRIDE, amount, by, reason)


@transaction.atomic
def set_today(user: AbstractUser, amount: Any, by: AbstractUser | None) -> DailyBudget:
    """Let today cost this much, with the period's own money. Less than what is spent ends the day's work."""
    if checked(amount) < 0:
        raise CofounderError("A day cannot allow less than $0.", field="amount_microdollars")
    if not _is_own(user, by):  # it is the founder's own money
        _need_right(user, by)
    subscription = _subscription(user)
    today = clock.today()
    day = ledger.lock_day(subscription, today)
    left = ledger.room_in_period(subscription, today)
    if amount > max(0, left):
        raise CofounderError(
            f"There is {dollars(max(0, left))} left in this period; today cannot have more than that.",
            field="amount_microdollars",
        )
    difference = amount - _share(subscription, day) - _moved(day)
    if difference:
        _record(user, BudgetChange.Kind.TODAY_ONLY, difference, by, "")
    return _take_effect(subscription, day, by)


@transaction.atomic
def recompute_today(user: AbstractUser) -> DailyBudget:
    """Reckon today anew after the tier or the period has changed."""
    subscription = _subscription(user)
    return _take_effect(subscription, ledger.lock_day(subscription, clock.today()), None)


def _change_period(
    user: AbstractUser, kind: BudgetChange.Kind, amount: int, by: AbstractUser | None, reason: str
) -> DailyBudget:
    subscription = _subscription(user)
    day = ledger.lock_day(subscription, clock.today())
    _record(user, kind, amount, by, reason)
    return _take_effect(subscription, day, by)


def _subscription(user: AbstractUser) -> Subscription:
    """The founder's subscription in its running period."""
    subscription = Subscription.objects.select_related("tier").filter(user=user.pk).first()
    if subscription is None:
        raise PaymentNeeded(f"{user} has no subscription yet, so there is no budget to change.")
    renew_if_due(subscription, clock.today())
    return subscription


def _record(
    user: AbstractUser, kind: BudgetChange.Kind, amount: int, by: AbstractUser | None, reason: str
) -> None:
    BudgetChange.objects.create(
        user_id=user.pk,
        kind=kind,
        amount_microdollars=amount,
        day=clock.today(),
        by_id=by.pk if by is not None else None,
        reason=reason[:REASON_LIMIT],
        created_at=clock.now(),
    )
    facts = {
        "user_id": str(user.pk),
        "kind": kind.value,
        "amount": amount,
        "by": str(by.pk) if by is not None else None,
    }
    transaction.on_commit(partial(log.info, "budget.changed", **facts))


def _need_right(user: AbstractUser, by: AbstractUser | None) -> None:
    """Somebody else's money needs the permission, one's own cannot be raised by it; None is `manage.py`."""
    if by is not None and (_is_own(user, by) or not by.has_perm(CHANGE_MONEY)):
        raise NotAllowed


def _is_own(user: AbstractUser, by: AbstractUser | None) -> bool:
    return by is not None and bool(by.pk == user.pk)


def _share(subscription: Subscription, day: DailyBudget) -> int:
    left = ledger.remaining_in_period(subscription, day.day)
    return daily_allowance(left, (subscription.renews_on - day.day).days)


def _moved(day: DailyBudget) -> int:
    """What the founder has moved to this day, less what they moved away."""
    changes = BudgetChange.objects.filter(
        user=day.user_id, day=day.day, kind=BudgetChange.Kind.TODAY_ONLY
    ).aggregate(total=Sum("amount_microdollars", default=0))
    return int(changes["total"])


# Taking effect


def _take_effect(subscription: Subscription, day: DailyBudget, by: AbstractUser | None) -> DailyBudget:
    """Set the locked day's allowance, tell every build under way, and wake whoever can go on."""
    left = max(0, ledger.remaining_in_period(subscription, day.day))
    day.allowance_microdollars = max(0, min(left, _share(subscription, day) + _moved(day)))
    day.save(update_fields=["allowance_microdollars"])
    sessions = lock_under_way(subscription.pk)
    for session in sessions:
        _tell(session, day)
    at = clock.now() if by is not None and by.pk == subscription.pk else _out_of_quiet_hours(subscription)
    for session in sessions:
        if session.state in ASLEEP:
            _reschedule(session, day, at)
    return day


def _tell(session: AgentSession, day: DailyBudget) -> None:
    spent, allowance = day.spent_microdollars, day.allowance_microdollars
    events.record_all(session.pk, [budget_fact(spent, allowance)])
    percent = budget_pct(spent, allowance)
    transaction.on_commit(partial(live_keys.set_budget, {session.pk: percent}))


def _reschedule(session: AgentSession, day: DailyBudget, at: datetime) -> None:
    """Wake the sleeper if it has room again; otherwise let it sleep until the money is there."""
    wake_at = at if _has_room(session, day) else wake_time_of(session)
    AgentSession.objects.filter(pk=session.pk).update(wake_at=wake_at)
    transaction.on_commit(partial(live_keys.set_state, session.pk, session.state, wake_at))
    if wake_at is not None:
        enqueue_agent_run(session.pk, at=wake_at if wake_at > clock.now() else None)


def _has_room(session: AgentSession, day: DailyBudget) -> bool:
    if is_winding_down(day.spent_microdollars, day.allowance_microdollars):
        return False
    try:
        return ledger.has_room(session, session.context_tokens)
    except UnknownModel:  # money for it is taken all the same
        return False


def _out_of_quiet_hours(subscription: Subscription) -> datetime:
    """Now, or the end of the quiet hours: nobody else's act wakes an agent at the founder's night."""
    return out_of_quiet_hours(
        clock.now(), subscription.quiet_from, subscription.quiet_until, subscription.time_zone
    )
