"""A founder's money today: what is spent, and what the day allows."""

from dataclasses import dataclass
from uuid import UUID

from agents.budget import reports
from agents.budget.allowance import WIND_DOWN_PERCENT, budget_pct


@dataclass(frozen=True)
class Money:
    """A founder's day, in µ$, and `percent` of it that is used."""

    spent: int
    allowance: int
    percent: int

    @property
    def tone(self) -> str:
        return "red" if self.percent >= 100 else "yellow" if self.percent >= WIND_DOWN_PERCENT else "green"


def money_of(user_id: UUID) -> Money:
    """Today's spend and allowance; before the day's first call, the allowance it would get."""
    today = reports.day_of(user_id)
    spent, allowance = today["spent_microdollars"], today["allowance_microdollars"]
    return Money(spent, allowance, budget_pct(spent, allowance))
