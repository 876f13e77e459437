from datetime import date, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from agents.actions import money
from agents.budget import ledger
from agents.budget.allowance import a_month_later, period_start, renewal_day
from agents.budget.renewal import next_renewal, renew_if_due
from agents.models import DailyBudget, Subscription
from cofounder.models import User
from jobs import clock
from tests.races import at_once


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2026, 12, 15), date(2027, 1, 15)),
        (date(2026, 3, 31), date(2026, 4, 30)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_month_s_last(day: date, later: date) -> None:
    assert a_month_later(day) == later


@given(st.dates(date(2020, 1, 1), date(2026, 1, 1)), st.integers(0, 800))
def test_the_new_period_holds_today_and_follows_the_old_one(renews_on: Any, days_late: Any) -> None:
    today = renews_on + timedelta(days=days_late)
    began, ends = next_renewal(renews_on, today, renews_on.day)
    assert renews_on <= began <= today < ends
    assert period_start(ends) <= began


@given(st.dates(date(2020, 1, 1), date(2026, 1, 1)))
def test_a_year_of_renewals_stays_on_its_day(first: date) -> None:
    """Renewals at the end of a month do not drift to the 28th for ever."""
    renews_on, remembered = first, None
    for months in range(1, 13):
        remembered = renewal_day(renews_on, remembered)
        _, renews_on = next_renewal(renews_on, renews_on, remembered)
        assert renews_on == first + relativedelta(months=months)


def test_a_date_that_a_person_sets_begins_a_new_row() -> None:
    assert renewal_day(date(2026, 2, 28), 31) == 31
    assert renewal_day(date(2026, 3, 12), 31) == 12
    assert renewal_day(date(2026, 3, 12), None) == 12


def due(founder: User, renews_on: date) -> Subscription:
    Subscription.objects.filter(pk=founder.pk).update(renews_on=renews_on)
    return Subscription.objects.select_related("tier").get(pk=founder.pk)


def spend(founder: User, day: date, amount: int) -> None:
    DailyBudget.objects.create(
        user=founder, day=day, allowance_microdollars=amount, spent_microdollars=amount
    )


def test_a_subscription_that_is_not_due_stays_as_it_is(founder: User) -> None:
    subscription = due(founder, date(2026, 5, 2))
    assert not renew_if_due(subscription, date(2026, 5, 1))
    assert subscription.renews_on == date(2026, 5, 2)


def test_a_renewal_gives_the_whole_budget_again(founder: User) -> None:
    spend(founder, date(2026, 4, 20), 50_000_000)
    subscription = due(founder, date(2026, 5, 2))
    assert renew_if_due(subscription, date(2026, 5, 2))
    assert subscription.renews_on == date(2026, 6, 2)
    assert ledger.remaining_in_period(subscription, date(2026, 5, 2)) == 60_000_000


def test_after_february_it_renews_on_the_31st_again(founder: User) -> None:
    subscription = due(founder, date(2026, 1, 31))
    for renewed in (date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)):
        assert renew_if_due(subscription, subscription.renews_on)
        subscription.refresh_from_db()
        assert subscription.renews_on == renewed


def test_after_months_of_silence_the_running_period_is_the_one_with_today(founder: User) -> None:
    subscription = due(founder, date(2026, 1, 31))
    assert renew_if_due(subscription, date(2026, 5, 10))
    assert subscription.renews_on == date(2026, 5, 31)


def test_what_the_last_days_of_a_long_month_cost_is_not_counted_again(founder: User) -> None:
    spend(founder, date(2026, 1, 29), 7_000_000)
    subscription = due(founder, date(2026, 1, 31))
    renew_if_due(subscription, date(2026, 1, 31))
    assert ledger.remaining_in_period(subscription, date(2026, 1, 31)) == 60_000_000


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_renew_at_once_one_does(founder: User) -> None:
    today = clock.today()
    first, second = (due(founder, today) for _ in range(2))
    results = at_once(lambda: renew_if_due(first, today), lambda: renew_if_due(second, today))
    assert sorted(results) == [False, True]
    assert first.renews_on == second.renews_on == a_month_later(today)


def test_a_top_up_on_the_day_of_the_renewal_counts_for_the_new_period(founder: User) -> None:
    due(founder, clock.today())
    money.top_up(founder, 1_000_000, by=None)
    subscription = Subscription.objects.get(pk=founder.pk)
    assert subscription.renews_on == a_month_later(clock.today())
    assert ledger.remaining_in_period(subscription, clock.today()) == 61_000_000
