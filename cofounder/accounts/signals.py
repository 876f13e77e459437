"""When a founder's plan begins: with the confirmed address, as far as the day's places go."""

from typing import Any

import structlog
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_logged_in, user_signed_up
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from agents.budget.allowance import a_month_later
from agents.models import PlanTier, Subscription
from cofounder.models import User
from jobs import clock

log = structlog.get_logger(__name__)


@receiver(email_confirmed)
def confirmed(sender: Any, email_address: EmailAddress, **_: Any) -> None:
    begin_subscription(email_address.user)


@receiver([user_signed_up, user_logged_in])
def entered(sender: Any, user: User, **_: Any) -> None:
    """At sign-up where addresses are not confirmed; at a later sign-in for whom a day had no place."""
    begin_subscription(user)


@transaction.atomic
def begin_subscription(user: User) -> None:
    """The smallest plan, for a month from today; without plans, an admin has to assign one."""
    tiers = PlanTier.objects.order_by("monthly_budget_microdollars")
    tier = tiers.select_for_update(no_key=True).first()  # one at a time, so that the day's places are counted
    if tier is None or not has_confirmed(user) or Subscription.objects.filter(user=user).exists():
        return
    today = clock.today()
    if Subscription.objects.filter(begun_on=today).count() >= settings.MAX_DAILY_SIGNUPS:
        log.warning("signup.day_is_full", user_id=str(user.pk), most=settings.MAX_DAILY_SIGNUPS)
        return
    Subscription.objects.create(
        user=user, tier=tier, renews_on=a_month_later(today), renewal_day=today.day, begun_on=today
    )


def has_confirmed(user: User) -> bool:
    """Whether the user has shown that an address is theirs; on an install that cannot ask, everybody has."""
    return (
        not settings.CONFIRMS_ADDRESSES or EmailAddress.objects.filter(user=user.pk, verified=True).exists()
    )
