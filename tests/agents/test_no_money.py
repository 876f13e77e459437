"""Budgets or prices that allow no call: the agent sleeps, is not woken in vain, and the founder reads why."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from agents.actions import money
from agents.actions.start import start_build
from agents.budget import wake_time
from agents.budget.allowance import daily_allowance
from agents.budget.prices import UnknownModel
from agents.builds.runner import Context, run_agent_loop
from agents.builds.troubles import rest_for, trouble_of
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.errors import Trouble
from agents.failures.trouble import TABLE
from agents.llm.client import AnthropicModel, Request
from agents.models import AgentSession, SessionState, SpendEntry, Subscription
from agents.session.claim import claim, load
from agents.session.rest import put_to_rest
from agents.turns import Replay, ToolCall, ToolResult, Turn, note
from agents.usage import Usage
from cofounder.models import User
from jobs import clock
from jobs.errors import PaymentNeeded
from jobs.models import Job, Project
from tests.agents.claims import claim_of

pytestmark = pytest.mark.django_db(transaction=True)

SONNET = "claude-sonnet-5-5"


class UnaskedModel(AnthropicModel):
    """A model without a client: who asks it has spent money that there is not."""

    def __init__(self) -> None:
        pass

    async def answer(self, request: Request) -> Turn:
        raise AssertionError(request)


class UnusedToolbox:
    def label(self, call: ToolCall) -> str:
        raise AssertionError(call)

    def replay(self, name: str) -> Replay:
        raise AssertionError(name)

    async def run(self, call: ToolCall) -> ToolResult:
        raise AssertionError(call)


async def unasked() -> bool:
    raise AssertionError


def run(build: Job) -> AgentSession:
    """One run of the loop that must not make a call; returns how it ended."""

    async def once() -> None:
        owner = await in_transaction(claim_of, build, 1)
        session, rows = await in_transaction(load, owner)
        store = CheckpointStore(owner, rows, Usage, lambda: None)
        context = Context(session, store, UnaskedModel(), UnusedToolbox(), [], unasked)
        try:
            rest = await run_agent_loop(context, [note("start", "Begin.")])
        except UnknownModel as error:
            rest = await in_transaction(rest_for, owner, trouble_of(error), str(error))
        assert rest is not None
        await in_transaction(put_to_rest, owner, rest)

    asyncio.run(once())
    return AgentSession.objects.get(pk=build.pk)


def renewal_of(founder: User) -> datetime:
    return datetime.combine(founder.subscription.renews_on, time(), clock.now().tzinfo)


def words_for_the_founder(build: Job) -> Any:
    return build.events.get(type="agent.sleeping").payload["reason"]


@pytest.mark.parametrize("budget_of_month", [0, 1, 1_000_000])
def test_an_allowance_smaller_than_one_call_is_a_sleep_until_it_is_enough(
    build: Job, founder: User, budget_of_month: int
) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=budget_of_month)
    session = run(build)
    assert session.state == SessionState.SLEEPING
    assert session.wake_at is not None
    assert session.wake_at > clock.next_midnight(clock.now())
    assert session.wake_at <= renewal_of(founder)
    used = "Today's budget is used." if budget_of_month < 30 else "of which 0 % is used"
    assert used in words_for_the_founder(build)
    assert not SpendEntry.objects.exists()


def test_an_agent_asleep_for_lack_of_money_is_not_woken_before_there_is_any(build: Job) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    run(build)
    with transaction.atomic():
        assert claim(build.pk, 2) is None


def test_a_zero_budget_starts_no_build_and_says_when_there_is_money_again(project: Project) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    with pytest.raises(PaymentNeeded, match="renews on"):
        start_build(project)


def test_without_a_price_the_agent_sleeps_tries_again_later_and_spends_nothing(
    build: Job, settings: Settings
) -> None:
    settings.MODEL_PRICES = {}
    session = run(build)
    assert (session.state, session.trouble) == (SessionState.SLEEPING, Trouble.MODEL_NO_PRICE)
    assert session.wake_at is not None
    assert words_for_the_founder(build) == TABLE[Trouble.MODEL_NO_PRICE].sentence
    assert not SpendEntry.objects.exists()


def test_a_build_whose_model_was_ended_by_its_provider_sleeps_with_that_sentence(
    build: Job, settings: Settings
) -> None:
    settings.MODEL_PRICES = {SONNET: {**settings.MODEL_PRICES[SONNET], "retires": "2020-01-01"}}
    assert run(build).trouble == Trouble.MODEL_RETIRED
    assert words_for_the_founder(build) == TABLE[Trouble.MODEL_RETIRED].sentence


def test_money_is_taken_also_for_a_founder_whose_sleeper_has_no_price(
    build: Job, founder: User, admin: User, settings: Settings
) -> None:
    settings.MODEL_PRICES = {}
    run(build)
    money.top_up(founder, 30_000_000, by=admin)
    assert AgentSession.objects.get(pk=build.pk).wake_at == clock.next_midnight(clock.now())


def test_the_share_of_the_days_grows_until_one_call_fits(build: Job, founder: User) -> None:
    """$1 a month: the call fits once few enough days are left to share it."""
    Subscription.objects.update(monthly_budget_override_microdollars=1_000_000)
    session = run(build)
    assert session.wake_at is not None
    days_left = (founder.subscription.renews_on - session.wake_at.date()).days
    least = wake_time.least_call_of(session, clock.today())
    assert daily_allowance(1_000_000, days_left) >= least
    assert daily_allowance(1_000_000, days_left + 1) < least
    assert session.wake_at - clock.now() > timedelta(days=10)
