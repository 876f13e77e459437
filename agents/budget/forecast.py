"""Forecasts when a build will be ready, from the cost of its finished phases. Amounts are in µ$."""

from dataclasses import dataclass
from datetime import date, timedelta

LEAST_DONE = 1  # phases; with fewer there is no basis for a forecast
LEAST_SHARE_OF_PHASE = 4  # a phase under way still costs at least a quarter of an average one
LONGEST = 3650  # days


@dataclass(frozen=True)
class Progress:
    """How far a build is and what it has cost."""

    phases: int
    done: int
    spent: int
    spent_in_phase: int  # by the phase under way, part of `spent`


@dataclass(frozen=True)
class Pace:
    """What the founder may spend, in µ$: what is left of today, and the allowance of each day after it."""

    room_today: int
    allowance: int
    days_left: int  # of the period, including today


@dataclass(frozen=True)
class Forecast:
    ready_on: date
    days: int  # from today; 0 is today
    cost_left_microdollars: int
    top_up_microdollars: int  # an example
    ready_on_with_top_up: date


def cost_left(progress: Progress) -> int | None:
    """What the build will still cost in µ$ if all phases cost the same; None until a phase is done."""
    left = progress.phases - progress.done
    if progress.done < LEAST_DONE or progress.spent <= progress.spent_in_phase:
        return None
    usual = (progress.spent - progress.spent_in_phase) // progress.done
    if left <= 0:
        return 0
    return max(left * usual - progress.spent_in_phase, (left - 1) * usual + usual // LEAST_SHARE_OF_PHASE)


def days_for(cost: int, pace: Pace, top_up: int = 0) -> int | None:
    """In how many days this much (µ$) can be spent; None if never. A top-up is spread over the period."""
    more = top_up // max(1, pace.days_left)
    beyond = cost - max(0, pace.room_today + more)
    if beyond <= 0:
        return 0
    allowance = pace.allowance + more
    if allowance <= 0 or (days := -(-beyond // allowance)) > LONGEST:
        return None
    return days


def forecast(progress: Progress, pace: Pace, *, today: date, top_up: int) -> Forecast | None:
    """When the build will be ready at today's allowance, and with a top-up; None until it can be known."""
    cost = cost_left(progress)
    if cost is None or (days := days_for(cost, pace)) is None:
        return None
    sooner = days_for(cost, pace, top_up)
    return Forecast(
        ready_on=today + timedelta(days=days),
        days=days,
        cost_left_microdollars=cost,
        top_up_microdollars=top_up,
        ready_on_with_top_up=today + timedelta(days=days if sooner is None else sooner),
    )
