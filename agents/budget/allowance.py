"""A day's share of the money and a period's month, as plain sums: no database, no clock. Amounts are µ$."""

from datetime import date

from dateutil.relativedelta import relativedelta

from agents.budget.prices import MILLION, Price

USUAL_MAX_TOKENS = 16_000
LONG_MAX_TOKENS = 32_000  # for a model whose answers are cut off
LEAST_MAX_TOKENS = 4_000  # less does not hold one useful step
WIND_DOWN_PERCENT = 90
CEILING_PERCENT = 110
MOST_CONTEXT = 150_000  # tokens
LEAST_CONTEXT = 50_000  # below it, summing up costs more than it saves


def budget_pct(spent: int, allowance: int) -> int:
    """How much of the day is used, 0 to 100; a day that allows nothing is used up."""
    return 100 if allowance <= 0 else min(100, 100 * spent // allowance)


def daily_allowance(remaining: int, days_left: int) -> int:
    """An even share of what is left of the period; today counts as one of the days."""
    return max(0, remaining) // max(1, days_left)


def a_month_later(day: date, wanted: int = 0) -> date:
    """The same day of the next month, or the month's last where it is shorter.

    `wanted` is the day of the month (1 to 31) of a row of months: after 28 February comes 31 March again.
    """
    return day + relativedelta(months=1, day=wanted or None)


def renewal_day(renews_on: date, remembered: int | None) -> int:
    """The day of the month (1 to 31) of a row of renewals that has come to this date.

    What is remembered counts while the date agrees with it; a date that a person has set begins a new row.
    """
    if remembered is not None and renews_on == renews_on + relativedelta(day=remembered):
        return remembered
    return renews_on.day


def period_start(renews_on: date) -> date:
    """The day the running period began: one calendar month before it renews."""
    return renews_on - relativedelta(months=1)


def wind_down_at(allowance: int) -> int:
    """The spend at which the day's work is brought to an end."""
    return -(-WIND_DOWN_PERCENT * allowance // 100)


def is_winding_down(spent: int, allowance: int) -> bool:
    return spent >= wind_down_at(allowance)


def context_limit_of(price: Price, allowance: int) -> int:
    """How large an input may grow before it is summed up: a call's worst case stays a fifth of the day."""
    share = allowance // 5 - price.worst_case(0, USUAL_MAX_TOKENS)
    return max(LEAST_CONTEXT, min(MOST_CONTEXT, share * MILLION // price.cache_write_5m))


def ceiling(allowance: int, remaining: int) -> int:
    """What the day may cost at the very most."""
    return min(CEILING_PERCENT * allowance // 100, max(0, remaining))
