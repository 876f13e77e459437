"""What a build has cost, as its page draws it: by day, by phase, and what is to come."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from agents.budget import reports
from agents.budget.amounts import money
from agents.models import DailyBudget
from jobs.models import Job

LEAST_DAYS, MOST_DAYS = 7, 14
HEIGHT = 64  # of the chart, in its own units; a day is 10 wide
DAY_WIDTH = 10


@dataclass(frozen=True)
class DayBar:
    """A founder's day (µ$): what this build took of it, what the other builds took, and what it allowed.

    `own_y`, `others_y` and `allowance_y` are tops in the chart, `x` is the left edge.
    """

    day: date
    own: int
    others: int
    allowance: int | None
    x: int
    own_y: int
    others_y: int
    allowance_y: int | None

    @property
    def own_height(self) -> int:
        return HEIGHT - self.own_y

    @property
    def others_height(self) -> int:
        return self.own_y - self.others_y

    @property
    def words(self) -> str:
        others = f", other builds {money(self.others)}" if self.others else ""
        allowed = f", allowed {money(self.allowance)}" if self.allowance is not None else ""
        return f"{self.day:%-d %B}: {money(self.own)}{others}{allowed}"


@dataclass(frozen=True)
class PhaseCost:
    name: str
    cost: int  # µ$


@dataclass(frozen=True)
class Spending:
    retries: int  # µ$ that answered failures
    bars: list[DayBar]
    phases: list[PhaseCost]
    forecast: dict[str, Any] | None

    @property
    def width(self) -> int:
        return DAY_WIDTH * len(self.bars)

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def most_of_a_phase(self) -> int:
        return max((phase.cost for phase in self.phases), default=0)


def spending_of(job: Job) -> Spending:
    found = reports.spend_of(job)
    return Spending(
        retries=found["retry_cost_microdollars"],
        bars=_bars(job, found),
        phases=_phases(job, found["by_phase"]),
        forecast=found["forecast"],
    )


def _bars(job: Job, found: dict[str, Any]) -> list[DayBar]:
    today = found["today"]
    own = {group["day"]: group["cost_microdollars"] for group in found["by_day"]}
    first = min(own, default=today["day"])
    wanted = days_shown(first, today["day"])
    rows = DailyBudget.objects.filter(user=job.project.owner_id, day__gte=wanted[0])
    spent = {row.day: (row.spent_microdollars, row.allowance_microdollars) for row in rows}
    spent[today["day"]] = (today["spent_microdollars"], today["allowance_microdollars"])
    return bars([(day, own.get(day, 0), *spent.get(day, (0, None))) for day in wanted])


def days_shown(first: date, today: date) -> list[date]:
    """The days from the build's first to today, at least a week and at most two."""
    count = min(MOST_DAYS, max(LEAST_DAYS, (today - first).days + 1))
    return [today - timedelta(days=back) for back in reversed(range(count))]


def bars(days: list[tuple[date, int, int, int | None]]) -> list[DayBar]:
    """Each day's `(day, own, spent by all builds, allowance)` drawn to one scale."""
    most = max((max(own, spent, allowance or 0) for _, own, spent, allowance in days), default=0)

    def top(amount: int) -> int:
        return HEIGHT - (-(-HEIGHT * amount // most) if most else 0)

    return [
        DayBar(
            day=day,
            own=own,
            others=max(0, spent - own),
            allowance=allowance,
            x=DAY_WIDTH * place,
            own_y=top(own),
            others_y=top(max(own, spent)),
            allowance_y=None if allowance is None else top(allowance),
        )
        for place, (day, own, spent, allowance) in enumerate(days)
    ]


def _phases(job: Job, groups: list[dict[str, Any]]) -> list[PhaseCost]:
    """In the order of the plan; what came before the first phase begins the list."""
    places = {phase.name: phase.position for phase in job.phases.all()}
    costs = [PhaseCost(group["phase"] or "Getting ready", group["cost_microdollars"]) for group in groups]
    return sorted(costs, key=lambda phase: places.get(phase.name, 0))
