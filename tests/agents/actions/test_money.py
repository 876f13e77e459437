from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.actions import money
from agents.budget import ledger
from agents.budget.allowance import daily_allowance
from agents.models import AgentSession, BudgetChange, DailyBudget, SessionState, SpendEntry, Subscription
from cofounder.models import User
from jobs import clock
from jobs.errors import CofounderError, PaymentNeeded
from jobs.models import Job
from tests.races import at_once

DOLLAR = 1_000_000


def spend(founder: User, amount: int, allowance: int = 2 * DOLLAR) -> DailyBudget:
    return DailyBudget.objects.create(
        user=founder, day=clock.today(), allowance_microdollars=allowance, spent_microdollars=amount
    )


def sleep(build: Job, state: SessionState = SessionState.SLEEPING) -> Any:
    tomorrow = clock.next_midnight(clock.now())
    AgentSession.objects.filter(pk=build.pk).update(state=state, wake_at=tomorrow)
    ProcrastinateJob.objects.all().delete()
    return tomorrow


def session_of(build: Job) -> AgentSession:
    return AgentSession.objects.get(pk=build.pk)


def wake_at_of(build: Job) -> datetime:
    wake_at = session_of(build).wake_at
    assert wake_at is not None
    return wake_at


def runs() -> int:
    return ProcrastinateJob.objects.filter(task_name="agents.run", status="todo").count()


def test_a_top_up_raises_today_by_its_share(founder: User, admin: User) -> None:
    day = money.top_up(founder, 30 * DOLLAR, by=admin, reason="a gift")
    assert day.allowance_microdollars == 3 * DOLLAR
    change = BudgetChange.objects.get()
    assert (change.kind, change.amount_microdollars, change.by, change.reason) == (
        "top_up",
        30 * DOLLAR,
        admin,
        "a gift",
    )


@pytest.mark.parametrize("state", [SessionState.SLEEPING, SessionState.BUDGET_EXCEEDED])
def test_a_top_up_wakes_an_agent_asleep_for_lack_of_money(
    build: Job, founder: User, admin: User, state: SessionState
) -> None:
    spend(founder, 2 * DOLLAR)
    sleep(build, state)
    money.top_up(founder, 60 * DOLLAR, by=admin)
    assert wake_at_of(build) <= clock.now()
    assert runs() == 1


def test_a_top_up_too_small_for_a_call_lets_the_agent_sleep(build: Job, founder: User, admin: User) -> None:
    spend(founder, 2 * DOLLAR)
    tomorrow = sleep(build)
    money.top_up(founder, 10, by=admin)
    assert session_of(build).wake_at == tomorrow


def test_a_top_up_shortens_a_sleep_that_would_last_until_the_renewal(
    build: Job, founder: User, admin: User
) -> None:
    spend(founder, 60 * DOLLAR, allowance=60 * DOLLAR)
    tomorrow = sleep(build)
    AgentSession.objects.update(wake_at=tomorrow + timedelta(days=29))
    money.top_up(founder, 30 * DOLLAR, by=admin)
    assert session_of(build).wake_at == tomorrow


@pytest.mark.parametrize("state", [SessionState.PAUSED, SessionState.WAITING_FOR_INPUT])
def test_an_agent_that_stopped_for_another_reason_is_not_woken_by_money(
    build: Job, founder: User, admin: User, state: SessionState
) -> None:
    sleep(build, state)
    money.top_up(founder, 60 * DOLLAR, by=admin)
    assert runs() == 0


def test_every_build_under_way_says_the_new_budget(build: Job, founder: User, admin: User) -> None:
    spend(founder, DOLLAR)
    money.top_up(founder, 60 * DOLLAR, by=admin)
    assert build.events.get(type="agent.budget_updated").payload == {
        "budget_pct": 25,
        "spent_microdollars": DOLLAR,
        "allowance_microdollars": 4 * DOLLAR,
    }


def test_nobody_else_s_act_wakes_the_agent_in_the_founder_s_quiet_hours(
    build: Job, founder: User, admin: User
) -> None:
    now = clock.now()
    quiet: dict[str, Any] = {
        "quiet_from": (now - timedelta(hours=1)).time(),
        "quiet_until": (now + timedelta(hours=1)).time(),
    }
    Subscription.objects.filter(pk=founder.pk).update(**quiet)
    sleep(build)
    money.top_up(founder, 60 * DOLLAR, by=admin)
    assert wake_at_of(build) - now == timedelta(hours=1)


def test_a_founder_cannot_add_money_by_themself(founder: User) -> None:
    with pytest.raises(money.NotAllowed, match="administrator"):
        money.top_up(founder, DOLLAR, by=founder)
    assert not BudgetChange.objects.exists()


def test_where_it_is_allowed_a_founder_tops_up(founder: User, settings: Settings) -> None:
    settings.SELF_SERVICE_TOP_UP = True
    money.top_up(founder, 30 * DOLLAR, by=founder)
    assert BudgetChange.objects.get().by == founder


@pytest.mark.parametrize("amount", [0, -1, 100_000 * DOLLAR + 1, 1.5, "5", True, None])
def test_an_impossible_amount_is_refused_with_a_sentence(founder: User, admin: User, amount: Any) -> None:
    with pytest.raises(CofounderError) as refusal:
        money.top_up(founder, amount, by=admin)
    assert str(refusal.value).endswith((".", "?"))
    assert not BudgetChange.objects.exists()


def test_who_has_no_subscription_has_no_budget_to_change(founder: User, admin: User) -> None:
    Subscription.objects.filter(pk=founder.pk).delete()
    with pytest.raises(PaymentNeeded, match="no subscription"):
        money.top_up(founder, DOLLAR, by=admin)


def test_an_override_corrects_downwards(founder: User, admin: User) -> None:
    day = money.override(founder, -30 * DOLLAR, admin, "billed twice")
    assert day.allowance_microdollars == DOLLAR


def test_an_override_below_what_is_spent_leaves_a_day_of_nothing(founder: User, admin: User) -> None:
    day = money.override(founder, -90 * DOLLAR, admin, "fraud")
    assert day.allowance_microdollars == 0


@pytest.mark.parametrize("amount", [0, 1, 500_000, 60 * DOLLAR])
def test_today_is_set_to_what_the_founder_wants(founder: User, amount: int) -> None:
    assert money.set_today(founder, amount, founder).allowance_microdollars == amount


def test_setting_today_twice_counts_the_last(founder: User) -> None:
    money.set_today(founder, 5 * DOLLAR, founder)
    money.set_today(founder, 3 * DOLLAR, founder)
    assert DailyBudget.objects.get().allowance_microdollars == 3 * DOLLAR


def test_today_s_raise_stays_through_a_top_up(founder: User, admin: User) -> None:
    money.set_today(founder, 5 * DOLLAR, founder)
    assert money.top_up(founder, 30 * DOLLAR, by=admin).allowance_microdollars == 6 * DOLLAR


def test_today_cannot_have_more_than_the_period(founder: User) -> None:
    with pytest.raises(CofounderError, match=r"\$60.00 left"):
        money.set_today(founder, 60 * DOLLAR + 1, founder)
    assert not BudgetChange.objects.exists()


def test_a_raise_of_today_takes_it_from_the_days_after(founder: User) -> None:
    money.set_today(founder, 31 * DOLLAR, founder)
    DailyBudget.objects.update(spent_microdollars=31 * DOLLAR)
    tomorrow = clock.today() + timedelta(days=1)
    left = ledger.remaining_in_period(founder.subscription, tomorrow)
    assert daily_allowance(left, 29) == DOLLAR


def test_a_cut_below_what_is_spent_leaves_no_room_for_a_call(build: Job, founder: User) -> None:
    spend(founder, DOLLAR)
    money.set_today(founder, DOLLAR // 2, founder)
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(session_of(build), 0)


def test_a_new_tier_takes_effect_at_once(build: Job, founder: User) -> None:
    spend(founder, 2 * DOLLAR)
    sleep(build)
    Subscription.objects.filter(pk=founder.pk).update(tier="partner")
    money.recompute_today(founder)
    assert DailyBudget.objects.get().allowance_microdollars == 200 * DOLLAR // 30
    assert runs() == 1


@pytest.mark.django_db(transaction=True)
def test_a_top_up_and_calls_at_the_same_moment_lose_nothing_of_each_other(
    build: Job, founder: User, admin: User
) -> None:
    session = session_of(build)

    def reserve() -> Any:
        with transaction.atomic():
            return ledger.reserve(session, 0)

    grants = at_once(
        reserve, reserve, lambda: money.top_up(founder, 3 * DOLLAR, by=admin), reserve, reserve, reserve
    )
    assert not [grant for grant in grants if isinstance(grant, Exception)]
    day = DailyBudget.objects.get()
    assert day.allowance_microdollars == 2_100_000
    assert day.reserved_microdollars == sum(
        SpendEntry.objects.values_list("reserved_microdollars", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_calls_beside_a_cut_are_granted_before_it_or_refused(build: Job, founder: User) -> None:
    session = session_of(build)

    def reserve() -> Any:
        with transaction.atomic():
            return ledger.reserve(session, 0)

    reserve()
    results = at_once(reserve, lambda: money.set_today(founder, 100_000, founder), reserve)
    refused = [result for result in results if isinstance(result, ledger.NoRoom)]
    assert len(results) - len(refused) == SpendEntry.objects.count()
    with pytest.raises(ledger.NoRoom):
        reserve()


@pytest.mark.django_db(transaction=True)
def test_two_top_ups_at_once_both_count(build: Job, founder: User, admin: User) -> None:
    results = at_once(*[lambda: money.top_up(founder, 3 * DOLLAR, by=admin)] * 2)
    assert sorted(day.allowance_microdollars for day in results) == [2_100_000, 2_200_000]
    assert DailyBudget.objects.get().allowance_microdollars == 2_200_000


def test_the_api_sets_today(api: APIClient, founder: User) -> None:
    answer = api.post("/api/budget/today", {"amount_microdollars": 5 * DOLLAR})
    assert answer.status_code == 200
    assert answer.json()["allowance_microdollars"] == 5 * DOLLAR


@pytest.mark.parametrize("amount", [-1, 10**30, 1.5, "much", None, [1], 61 * DOLLAR])
def test_the_api_refuses_a_bad_amount_with_a_sentence(api: APIClient, founder: User, amount: Any) -> None:
    answer = api.post("/api/budget/today", {"amount_microdollars": amount})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == ["amount_microdollars"]
    assert not BudgetChange.objects.exists()


def test_the_api_gives_402_without_a_subscription(api: APIClient, founder: User) -> None:
    Subscription.objects.all().delete()
    assert api.post("/api/budget/today", {"amount_microdollars": 1}).status_code == 402


def test_a_stranger_and_a_wrong_method_are_refused(api: APIClient, client: Client) -> None:
    assert client.post("/api/budget/today", {"amount_microdollars": 1}).status_code == 401
    assert api.get("/api/budget/today").status_code == 405


def test_one_founder_s_day_is_nobody_else_s(api: APIClient, other_founder: User) -> None:
    api.post("/api/budget/today", {"amount_microdollars": 1})
    assert not DailyBudget.objects.filter(user=other_founder).exists()
