import threading
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from agents.budget import ledger
from agents.budget.allowance import budget_pct, daily_allowance, period_start
from agents.models import AgentSession, DailyBudget, SpendEntry, Subscription
from agents.usage import Usage
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import Job, Project

DOLLAR = 1_000_000


def make_session(project: Project) -> AgentSession:
    job = Job.objects.create(project=project, build_number=1, created_at=clock.now())
    return AgentSession.objects.create(
        job=job, user=project.owner, model="claude-sonnet-5-5", created_at=clock.now()
    )


@pytest.mark.parametrize(
    ("spent", "allowance", "percent"),
    [(0, 100, 0), (899, 1000, 89), (900, 1000, 90), (2000, 1000, 100), (0, 0, 100), (5, 0, 100)],
)
def test_the_percentage_is_floored_and_never_above_a_hundred(
    spent: int, allowance: int, percent: int
) -> None:
    assert budget_pct(spent, allowance) == percent


@given(st.integers(-(10**12), 10**12), st.integers(-5, 400))
def test_an_allowance_is_never_negative_and_its_days_fit_into_the_rest(remaining: Any, days: Any) -> None:
    allowance = daily_allowance(remaining, days)
    assert 0 <= allowance * max(1, days) <= max(0, remaining)


@pytest.mark.parametrize(
    ("renews", "began"),
    [
        (date(2026, 12, 15), date(2026, 11, 15)),
        (date(2027, 1, 5), date(2026, 12, 5)),
        (date(2026, 3, 31), date(2026, 2, 28)),
    ],
)
def test_a_period_begins_a_month_before_it_renews(renews: date, began: date) -> None:
    assert period_start(renews) == began


def test_the_first_call_of_a_day_fixes_an_even_share_of_the_period(project: Project) -> None:
    session = make_session(project)
    grant = ledger.reserve(session, 10_000)
    day = DailyBudget.objects.get()
    assert day.allowance_microdollars == 2 * DOLLAR
    assert day.reserved_microdollars == 10_000 * 5 // 2 + grant.max_tokens * 10


def test_settling_replaces_the_reservation_by_what_was_used(project: Project) -> None:
    grant = ledger.reserve(make_session(project), 10_000)
    ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    day, entry = DailyBudget.objects.get(), SpendEntry.objects.get()
    assert (day.reserved_microdollars, day.spent_microdollars, entry.cost_microdollars) == (0, 10_000, 10_000)


def test_a_released_call_costs_nothing(project: Project) -> None:
    grant = ledger.reserve(make_session(project), 10_000)
    ledger.release(grant.entry_id)
    day = DailyBudget.objects.get()
    assert (day.reserved_microdollars, day.spent_microdollars) == (0, 0)


def test_closing_a_call_twice_counts_it_once(project: Project) -> None:
    grant = ledger.reserve(make_session(project), 10_000)
    ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    ledger.release(grant.entry_id)
    assert DailyBudget.objects.get().spent_microdollars == 10_000


def test_an_answer_is_shortened_to_what_the_day_still_allows(project: Project) -> None:
    session = make_session(project)
    day = ledger.lock_day_of(session)
    DailyBudget.objects.filter(pk=day.pk).update(spent_microdollars=2_120_000)
    assert ledger.reserve(session, 0).max_tokens == 8_000


def test_a_call_that_could_pass_the_ceiling_is_not_made(project: Project) -> None:
    session = make_session(project)
    day = ledger.lock_day_of(session)
    DailyBudget.objects.filter(pk=day.pk).update(spent_microdollars=2_190_000)
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(session, 0)


def test_the_install_s_own_cap_holds_for_everybody_together(project: Project, settings: Settings) -> None:
    settings.MAX_DAILY_SPEND = 50_000
    assert ledger.reserve(make_session(project), 0).max_tokens == 5_000


@pytest.mark.django_db(transaction=True)
def test_two_sessions_that_reserve_at_once_cannot_pass_the_ceiling_together(project: Project) -> None:
    other = create_project(
        owner=project.owner, name="Another", goal="Theirs", idea_brief={"problem": "x"}, interview=[]
    )
    Subscription.objects.update(monthly_budget_override_microdollars=30 * 200_000)

    def spend(session: Any) -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    ledger.reserve(session, 0)
        except ledger.NoRoom:
            pass
        finally:
            connection.close()

    sessions = [make_session(project), make_session(other)]
    threads = [threading.Thread(target=spend, args=[session]) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert DailyBudget.objects.get().reserved_microdollars <= 220_000


@pytest.mark.django_db(transaction=True)
def test_two_founders_cannot_pass_the_install_s_cap_together(
    project: Project, other_founder: User, settings: Settings
) -> None:
    settings.MAX_DAILY_SPEND = 400_000
    theirs = create_project(
        owner=other_founder, name="Another", goal="Theirs", idea_brief={"problem": "x"}, interview=[]
    )

    def spend(session: Any) -> None:
        try:
            while True:
                with transaction.atomic():
                    ledger.reserve(session, 0)
        except ledger.NoRoom:
            pass
        finally:
            connection.close()

    sessions = [make_session(project), make_session(theirs)]
    threads = [threading.Thread(target=spend, args=[session]) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(day.reserved_microdollars for day in DailyBudget.objects.all()) <= 400_000
