"""A founder's money today: what is spent, and what the day allows."""

from dataclasses import dataclass
from typing import Any

from agents import budget
from agents.models import Subscription
from jobs import clock


@dataclass(frozen=True)
class Money:
    """A founder's day, in µ$, and `percent` of it that is used."""

    spent: int
    allowance: int
    percent: int

    @property
    def tone(self) -> str:
        return (
            "red"
            if self.percent >= 100
            else "yellow"
            if self.percent >= budget.WIND_DOWN_PERCENT
            else "green"
        )


def money_of(user_id: Any) -> Money:
    """Today's spend and allowance; before the day's first call, the allowance it would get."""
    today = budget.today_of(user_id)
    if today is not None:
        spent, allowance = today.spent_microdollars, today.allowance_microdollars
        return Money(spent, allowance, budget.budget_pct(spent, allowance))
    subscription = Subscription.objects.select_related("tier").filter(user=user_id).first()
    if subscription is None:
        return Money(0, 0, 100)
    day = clock.today()
    left = budget.remaining_in_period(subscription, day)
    allowance = budget.daily_allowance(left, (subscription.renews_on - day).days)
    return Money(0, allowance, budget.budget_pct(0, allowance))
