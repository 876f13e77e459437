"""What a sign-up brings: the plan a new founder begins with."""

from typing import Any

from allauth.account.signals import user_signed_up
from django.dispatch import receiver

from agents.budget.allowance import a_month_later
from agents.models import PlanTier, Subscription
from cofounder.models import User
from jobs import clock


@receiver(user_signed_up)
def begin_subscription(sender: Any, user: User, **_: Any) -> None:
    """The smallest plan, for a month from today; without plans, an admin has to assign one."""
    tier = PlanTier.objects.order_by("monthly_budget_microdollars").first()
    if tier is not None:
        Subscription.objects.get_or_create(
            user=user, defaults={"tier": tier, "renews_on": a_month_later(clock.today())}
        )
