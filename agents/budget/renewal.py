"""The renewal of a subscription: a new period begins, with its own budget."""

from datetime import date
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Sum

from agents.budget.allowance import a_month_later, period_start, renewal_day
from agents.models import BudgetChange, DailyBudget, Subscription
from jobs import clock

log = structlog.get_logger(__name__)


def next_renewal(renews_on: date, today: date, day: int) -> tuple[date, date]:
    """When the period that holds `today` began and when it ends; also after months nobody was there.

    `day` is the day of the month (1 to 31) on which it renews where the month is long enough.
    """
    began = renews_on
    while (ends := a_month_later(began, day)) <= today:
        began = ends
    return began, ends


@transaction.atomic
def renew_if_due(subscription: Subscription, today: date) -> bool:
    """Begin the new period when the old one is over; True for the caller that did.

    To be called before any day is locked: it locks the subscription, which comes first.
    """
    old = subscription.renews_on
    if old > today:
        return False
    day = renewal_day(old, subscription.renewal_day)
    began, ends = next_renewal(old, today, day)
    due = Subscription.objects.filter(pk=subscription.pk, renews_on=old)
    if due.update(renews_on=ends, renewal_day=day) != 1:
        subscription.refresh_from_db(fields=["renews_on", "renewal_day"])
        return False
    subscription.renews_on, subscription.renewal_day = ends, day
    _forget_days_before(subscription, began, today)
    log.info("subscription.renewed", user_id=str(subscription.pk), began=began, renews_on=ends)
    return True


def renew_of(user_id: UUID) -> None:
    """Begin the founder's new period if the old one is over. To be called before any day is locked."""
    subscription = Subscription.objects.filter(user=user_id).first()
    if subscription is not None:
        renew_if_due(subscription, clock.today())


def renew_all_due() -> None:
    """Begin the new periods of founders for whom nothing runs just now."""
    today = clock.today()
    for subscription in Subscription.objects.filter(renews_on__lte=today):
        renew_if_due(subscription, today)


def _forget_days_before(subscription: Subscription, began: date, today: date) -> None:
    """Keep what the old period's last days cost and gained out of the new one.

    A month that follows a longer one is reckoned from a day too early: a period that ends on 28 February
    seems to begin on 28 January, also when the one before it ended on the 31st.
    """
    overlap = {"user": subscription.pk, "day__gte": period_start(subscription.renews_on)}
    days = DailyBudget.objects.filter(**overlap, day__lt=began)
    spent = days.aggregate(total=Sum("spent_microdollars", default=0))["total"]
    kinds = [BudgetChange.Kind.TOP_UP, BudgetChange.Kind.OVERRIDE]
    changes = BudgetChange.objects.filter(**overlap, day__lt=began, kind__in=kinds)
    added = changes.aggregate(total=Sum("amount_microdollars", default=0))["total"]
    if spent != added:
        BudgetChange.objects.create(
            user_id=subscription.pk,
            kind=BudgetChange.Kind.OVERRIDE,
            amount_microdollars=spent - added,
            day=today,
            reason="Counted in the period before",
            created_at=clock.now(),
        )
