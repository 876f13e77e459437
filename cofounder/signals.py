"""What a sign-up brings: the plan a new founder begins with."""

from calendar import monthrange
from datetime import date
from typing import Any

from allauth.account.signals import user_signed_up
from django.dispatch import receiver

from agents.models import PlanTier, Subscription
from jobs import clock


def month_after(day: date) -> date:
    """The same day of the next month, or its last day."""
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


@receiver(user_signed_up)
def begin_subscription(sender: Any, user: Any, **_: Any) -> None:
    """The smallest plan, for a month from today; without plans, an admin has to assign one."""
    tier = PlanTier.objects.order_by("monthly_budget_microdollars").first()
    if tier is not None:
        Subscription.objects.get_or_create(
            user=user, defaults={"tier": tier, "renews_on": month_after(clock.today())}
        )
