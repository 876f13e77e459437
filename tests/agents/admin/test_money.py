"""Changes to plans and money in the admin take effect at once; impossible values are refused with reasons."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions.control import resume
from agents.budget import ledger
from agents.budget.allowance import a_month_later
from agents.models import (
    AgentSession,
    BudgetChange,
    DailyBudget,
    PlanTier,
    SessionState,
    SpendEntry,
    Subscription,
)
from agents.session import state
from agents.session.rest import Rest, put_to_rest
from agents.session.state import AS_ASKED, SUSPENDED
from agents.usage import Usage
from cofounder.models import User
from jobs import clock
from jobs.errors import PaymentNeeded
from jobs.models import Job
from tests.agents.claims import claim_of
from tests.conftest import give_second_factor

DOLLAR = 1_000_000
OLD_SUSPENDED = "The subscription is suspended, so I have paused. Nothing is lost: I go on once it is paid."
OVERRIDE = "monthly_budget_override_microdollars"


@pytest.fixture
def cockpit(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def spend(founder: User, amount: int, allowance: int = 2 * DOLLAR) -> DailyBudget:
    return DailyBudget.objects.create(
        user=founder, day=clock.today(), allowance_microdollars=allowance, spent_microdollars=amount
    )


def sleep(build: Job) -> None:
    tomorrow = clock.next_midnight(clock.now())
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.SLEEPING, wake_at=tomorrow)
    ProcrastinateJob.objects.all().delete()


def session_of(build: Job) -> AgentSession:
    return AgentSession.objects.get(pk=build.pk)


def last_move(build: Job) -> tuple[str, str]:
    """The reason and the cause of the session's last move."""
    event = build.events.filter(type="agent.state").last()
    assert event is not None
    return event.payload["reason"], event.payload["cause"]


def runs() -> int:
    return ProcrastinateJob.objects.filter(task_name="agents.run", status="todo").count()


def save_subscription(cockpit: Client, founder: User, **changes: Any) -> dict[str, Any]:
    """Submit the change form as the admin's browser does; returns the messages it answers with."""
    subscription = Subscription.objects.get(pk=founder.pk)
    form = {
        "tier": subscription.tier_id,
        "renews_on": subscription.renews_on.isoformat(),
        "auto_wake": "on",
        "time_zone": "UTC",
        **changes,
    }
    return sentences(cockpit.post(f"/admin/agents/subscription/{founder.pk}/change/", form))


def save_tier(cockpit: Client, **changes: Any) -> dict[str, Any]:
    form = {"name": "Bootstrapper", "model": "claude-sonnet-5-5", "max_tool_calls": "150"}
    form |= {"monthly_budget_microdollars": "60", **changes}
    return sentences(cockpit.post("/admin/agents/plantier/bootstrapper/change/", form))


def move(cockpit: Client, founder: User, **change: Any) -> dict[str, Any]:
    form = {"user": str(founder.pk), "kind": "top_up", "amount_microdollars": "30", "reason": "", **change}
    return sentences(cockpit.post("/admin/agents/budgetchange/add/", form))


def sentences(answer: Any) -> dict[str, Any]:
    """The form's error messages; none when it was saved."""
    if answer.status_code == 302:
        return {}
    assert answer.status_code == 200
    return {name: list(errors) for name, errors in answer.context["adminform"].form.errors.items()}


def test_another_plan_takes_effect_at_once_and_wakes_who_has_room_again(
    build: Job, founder: User, cockpit: Client
) -> None:
    spend(founder, 2 * DOLLAR)
    sleep(build)
    assert save_subscription(cockpit, founder, tier="partner") == {}
    assert DailyBudget.objects.get().allowance_microdollars == 200 * DOLLAR // 30
    assert runs() == 1


def test_a_founder_s_own_budget_takes_effect_at_once(build: Job, founder: User, cockpit: Client) -> None:
    spend(founder, DOLLAR)
    save_subscription(cockpit, founder, monthly_budget_override_microdollars="90")
    assert DailyBudget.objects.get().allowance_microdollars == 3 * DOLLAR
    assert build.events.get(type="agent.budget_updated").payload["budget_pct"] == 33


def test_another_renewal_takes_effect_at_once(build: Job, founder: User, cockpit: Client) -> None:
    spend(founder, DOLLAR)
    in_ten_days = clock.today() + timedelta(days=10)
    save_subscription(cockpit, founder, renews_on=in_ten_days.isoformat())
    assert DailyBudget.objects.get().allowance_microdollars == 6 * DOLLAR


@pytest.mark.django_db(transaction=True)
def test_a_plan_s_new_budget_takes_effect_on_everybody_on_it(
    build: Job, founder: User, cockpit: Client
) -> None:
    spend(founder, 2 * DOLLAR)
    sleep(build)
    assert save_tier(cockpit, monthly_budget_microdollars="120") == {}
    assert PlanTier.objects.get(pk="bootstrapper").monthly_budget_microdollars == 120 * DOLLAR
    assert DailyBudget.objects.get(user=founder).allowance_microdollars == 4 * DOLLAR
    assert runs() == 1
    ProcrastinateJob.objects.all().delete()


def test_a_suspension_pauses_a_sleeping_build_with_a_sentence_and_its_end_lets_it_go_on(
    build: Job, founder: User, cockpit: Client
) -> None:
    sleep(build)
    save_subscription(cockpit, founder, suspended="on")
    assert session_of(build).state == SessionState.PAUSED
    assert last_move(build) == (SUSPENDED, "suspension")
    save_subscription(cockpit, founder)
    assert session_of(build).state == SessionState.QUEUED
    assert runs() == 1


def test_an_agent_that_pauses_after_its_step_goes_on_too_when_the_suspension_ends(
    build: Job, founder: User, cockpit: Client
) -> None:
    owner = claim_of(build, run_id=1)
    save_subscription(cockpit, founder, suspended="on")
    put_to_rest(owner, Rest(SessionState.PAUSED, AS_ASKED))
    assert last_move(build) == (SUSPENDED, "suspension")
    save_subscription(cockpit, founder)
    assert session_of(build).state == SessionState.QUEUED


def test_a_build_that_an_older_version_paused_goes_on_when_the_suspension_ends(
    build: Job, founder: User, cockpit: Client
) -> None:
    state.move(session_of(build), SessionState.PAUSED, OLD_SUSPENDED)
    save_subscription(cockpit, founder, suspended="on")
    save_subscription(cockpit, founder)
    assert session_of(build).state == SessionState.QUEUED


def test_who_is_paused_for_another_reason_stays_paused_when_a_suspension_ends(
    build: Job, founder: User, cockpit: Client
) -> None:
    state.move(session_of(build), SessionState.PAUSED, AS_ASKED)
    save_subscription(cockpit, founder, suspended="on")
    save_subscription(cockpit, founder)
    assert session_of(build).state == SessionState.PAUSED


def test_a_working_agent_is_asked_to_pause(build: Job, founder: User, cockpit: Client) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.WORKING)
    save_subscription(cockpit, founder, suspended="on")
    assert session_of(build).pause_requested


def test_a_suspended_build_is_not_resumed_by_its_founder(build: Job, founder: User, cockpit: Client) -> None:
    sleep(build)
    save_subscription(cockpit, founder, suspended="on")
    with pytest.raises(PaymentNeeded, match="suspended"):
        resume(build, founder)
    assert session_of(build).state == SessionState.PAUSED


def test_who_paused_by_themselves_stays_paused_when_a_suspension_ends(
    build: Job, founder: User, cockpit: Client
) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.PAUSED)
    save_subscription(cockpit, founder, suspended="on")
    save_subscription(cockpit, founder)
    assert session_of(build).state == SessionState.PAUSED


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"monthly_budget_override_microdollars": "-5"}, "monthly_budget_override_microdollars", "more than"),
        ({"monthly_budget_override_microdollars": "0"}, "monthly_budget_override_microdollars", "suspend"),
        ({"monthly_budget_override_microdollars": "1"}, "monthly_budget_override_microdollars", "one call"),
        (
            {"monthly_budget_override_microdollars": "100001"},
            "monthly_budget_override_microdollars",
            "at most",
        ),
        ({"model_override": "gpt-9"}, "model_override", "No price"),
        ({"quiet_from": "22:00"}, "quiet_until", "beginning and an end"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until", "are none"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "no time zone"),
        ({"renews_on": "2020-01-01"}, "renews_on", "must lie ahead"),
        ({"renews_on": "2999-01-01"}, "renews_on", "for a month"),
        ({"renews_on": "soon"}, "renews_on", "date"),
    ],
)
def test_a_subscription_that_could_not_work_is_refused_with_a_sentence(
    founder: User, cockpit: Client, changes: dict[str, str], field: str, words: str
) -> None:
    before = Subscription.objects.filter(pk=founder.pk).values().get()
    said = save_subscription(cockpit, founder, **changes)
    assert list(said) == [field]
    assert words in said[field][0]
    assert Subscription.objects.filter(pk=founder.pk).values().get() == before


def test_the_latest_renewal_is_a_month_ahead(founder: User, cockpit: Client) -> None:
    latest = a_month_later(clock.today())
    assert save_subscription(cockpit, founder, renews_on=latest.isoformat()) == {}
    assert "renews_on" in save_subscription(
        cockpit, founder, renews_on=(latest + timedelta(days=1)).isoformat()
    )


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"monthly_budget_microdollars": "0"}, "monthly_budget_microdollars", "more than $0"),
        ({"monthly_budget_microdollars": "-60"}, "monthly_budget_microdollars", "more than $0"),
        ({"monthly_budget_microdollars": "2"}, "monthly_budget_microdollars", "one call"),
        ({"monthly_budget_microdollars": "much"}, "monthly_budget_microdollars", "number"),
        ({"model": "claude-2"}, "model", "No price"),
        ({"max_tool_calls": "0"}, "max_tool_calls", "Between 1"),
        ({"max_tool_calls": "10001"}, "max_tool_calls", "Between 1"),
    ],
)
def test_a_plan_that_could_not_work_is_refused_with_a_sentence(
    tiers: None, cockpit: Client, changes: dict[str, str], field: str, words: str
) -> None:
    said = save_tier(cockpit, **changes)
    assert list(said) == [field]
    assert words in said[field][0]
    assert PlanTier.objects.get(pk="bootstrapper").monthly_budget_microdollars == 60 * DOLLAR


def test_a_top_up_by_an_admin_is_recorded_and_counts_at_once(
    founder: User, admin: User, cockpit: Client
) -> None:
    assert move(cockpit, founder, reason="a gift") == {}
    change = BudgetChange.objects.get()
    assert (change.amount_microdollars, change.by, change.reason) == (30 * DOLLAR, admin, "a gift")
    assert DailyBudget.objects.get().allowance_microdollars == 3 * DOLLAR


@pytest.mark.parametrize(("kind", "amount", "allowance"), [("override", "-30", 1), ("today_only", "7", 7)])
def test_an_admin_corrects_the_period_or_moves_money_to_today(
    founder: User, cockpit: Client, kind: str, amount: str, allowance: int
) -> None:
    assert move(cockpit, founder, kind=kind, amount_microdollars=amount) == {}
    assert DailyBudget.objects.get().allowance_microdollars == allowance * DOLLAR


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount_microdollars": "0"}, "more than $0"),
        ({"amount_microdollars": "-3"}, "more than $0"),
        ({"amount_microdollars": "100001"}, "At most"),
        ({"kind": "override", "amount_microdollars": "0"}, "changes nothing"),
        ({"kind": "today_only", "amount_microdollars": "61"}, "left in this period"),
    ],
)
def test_an_impossible_change_is_refused_with_a_sentence(
    founder: User, cockpit: Client, change: dict[str, str], words: str
) -> None:
    said = move(cockpit, founder, **change)
    assert words in said["amount_microdollars"][0]
    assert not BudgetChange.objects.exists()
    assert not DailyBudget.objects.exists()


def test_a_change_is_never_edited_and_never_deleted(founder: User, cockpit: Client) -> None:
    move(cockpit, founder)
    address = f"/admin/agents/budgetchange/{BudgetChange.objects.get().pk}"
    assert cockpit.post(f"{address}/change/", {"reason": "other"}).status_code == 403
    assert cockpit.post(f"{address}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["plantier", "subscription", "budgetchange", "dailybudget", "spendentry"])
def test_the_lists_open_and_are_searched(founder: User, cockpit: Client, build: Job, name: str) -> None:
    move(cockpit, founder)
    ledger.reserve(session_of(build), 0)
    assert cockpit.get(f"/admin/agents/{name}/").status_code == 200
    if name != "plantier":
        assert cockpit.get(f"/admin/agents/{name}/", {"q": "founder@"}).status_code == 200


def test_the_form_shows_dollars_and_how_the_day_stands(founder: User, cockpit: Client) -> None:
    spend(founder, DOLLAR)
    Subscription.objects.filter(pk=founder.pk).update(monthly_budget_override_microdollars=45 * DOLLAR)
    page = cockpit.get(f"/admin/agents/subscription/{founder.pk}/change/").content.decode()
    assert 'value="45"' in page
    assert "Today allows $2.00, of which $1.00 is spent." in page


def test_what_a_build_cost_is_shown_by_phase_and_day_with_the_retries(
    build: Job, founder: User, cockpit: Client
) -> None:
    session = session_of(build)
    session.current_phase = "The list"
    for is_retry in (False, True):
        grant = ledger.reserve(session, 0, is_retry=is_retry)
        ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    page = cockpit.get(f"/admin/agents/spendentry/of/{build.pk}/").content.decode()
    assert "$0.0200 in 2 calls; $0.0100 of it was spent on retries of failures." in page
    assert "<td>The list</td><td>$0.0200</td><td>$0.0100</td>" in page
    assert SpendEntry.objects.count() == 2


def test_who_may_not_see_the_ledger_does_not_see_a_build_s_cost(
    build: Job, founder: User, client: Client
) -> None:
    founder.is_staff = True
    founder.save(update_fields=["is_staff"])
    give_second_factor(founder)
    client.force_login(founder)
    assert client.get(f"/admin/agents/spendentry/of/{build.pk}/").status_code == 403
    assert client.get("/admin/agents/spendentry/of/00000000-0000-0000-0000-000000000000/").status_code == 403
