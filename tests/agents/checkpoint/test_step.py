"""Between two attempts at a call: what one used is settled before the next is reserved."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as given_that
from hypothesis import strategies as st
from pytest_django import Settings

from agents.budget import ledger
from agents.budget.allowance import ceiling
from agents.builds.runner import Context, run_agent_loop
from agents.checkpoint import step
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.llm.client import AnthropicModel
from agents.llm.retry import Patience
from agents.models import AgentSession, DailyBudget, SessionState, SpendEntry, Subscription
from agents.session.claim import Claim, load
from agents.stops import ClaimLost, OutOfBudget
from agents.turns import Turn, note, text_block
from agents.usage import Usage
from jobs.models import Job
from tests.agents.claims import claim_of
from tests.agents.test_no_money import UnusedToolbox, unasked
from tests.rehearsal.model_server import FOUNDER, PERSONA, TOOLS, model_server

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

START = [note("start", "Begin.")]
USED = Usage(output_tokens=1_000)  # 10,000 µ$


def begun(build: Job) -> tuple[Claim, ledger.Grant]:
    with transaction.atomic():
        owner = claim_of(build)
        grant = step.begin(owner, START).grant
    assert grant is not None
    return owner, grant


@transaction.atomic
def next_attempt(owner: Claim, failed: ledger.Grant, used: Usage) -> ledger.Grant | None:
    return step.next_attempt(owner, failed, used)


def test_what_an_attempt_used_is_settled_and_shown_before_the_next_one_is_reserved(build: Job) -> None:
    owner, first = begun(build)
    reserved = DailyBudget.objects.get().reserved_microdollars
    second = next_attempt(owner, first, USED)
    day = DailyBudget.objects.get()
    assert (day.spent_microdollars, day.reserved_microdollars) == (10_000, reserved)
    assert SpendEntry.objects.get(pk=first.entry_id).status == "settled"
    assert second is not None
    assert SpendEntry.objects.get(pk=second.entry_id).status == "reserved"
    assert AgentSession.objects.get().cost_microdollars == 10_000
    shown = build.events.filter(type="agent.budget_updated").last()
    assert shown is not None
    assert shown.payload["spent_microdollars"] == 10_000


def test_an_attempt_of_a_run_that_lost_its_session_reserves_nothing(build: Job) -> None:
    owner, first = begun(build)
    AgentSession.objects.update(epoch=owner.epoch + 1)
    with pytest.raises(ClaimLost):
        next_attempt(owner, first, USED)
    assert SpendEntry.objects.get().pk == first.entry_id
    assert DailyBudget.objects.get().spent_microdollars == 0


@given_that(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    budget=st.integers(1, 60_000_000),
    attempts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12),
)
def test_however_much_attempts_use_spent_and_reserved_stay_under_the_ceiling(
    build: Job, budget: int, attempts: list[tuple[float, float]]
) -> None:
    with transaction.atomic():
        Subscription.objects.update(monthly_budget_override_microdollars=budget)
        owner = claim_of(build)
        grant = step.begin(owner, START).grant
        for of_input, of_output in attempts:
            if grant is None:
                break
            most = AgentSession.objects.get().context_tokens
            used = Usage(
                cache_write_5m_tokens=int(most * of_input), output_tokens=int(grant.max_tokens * of_output)
            )
            grant = step.next_attempt(owner, grant, used)
            day = DailyBudget.objects.get()
            assert day.spent_microdollars + day.reserved_microdollars <= ceiling(
                day.allowance_microdollars, budget
            )
        transaction.set_rollback(True)


def store_of(owner: Claim, spent: list[Usage]) -> CheckpointStore:
    return CheckpointStore(owner, [], lambda: spent[-1], lambda: None)


async def test_an_attempt_settled_in_a_transaction_whose_answer_was_lost_is_billed_once(build: Job) -> None:
    owner = await in_transaction(claim_of, build)
    spent = [USED]
    store = store_of(owner, spent)
    await store.begin(START)
    first = await in_transaction(SpendEntry.objects.get)
    assert store._grant is not None
    await in_transaction(step.next_attempt, owner, store._grant, USED)  # and the store never hears of it
    await store.bill()
    await store.bill()
    await in_transaction(first.refresh_from_db)
    day = await in_transaction(DailyBudget.objects.get)
    assert (first.status, day.spent_microdollars) == ("settled", 10_000)


async def test_a_call_without_a_next_attempt_leaves_nothing_reserved_and_nothing_to_bill(build: Job) -> None:
    owner = await in_transaction(claim_of, build)
    spent = [USED]
    store = store_of(owner, spent)
    await store.begin(START)
    await in_transaction(DailyBudget.objects.update, spent_microdollars=2_190_000)
    with pytest.raises(OutOfBudget):
        await store.next_attempt(USED)
    await store.bill()
    day = await in_transaction(DailyBudget.objects.get)
    assert (day.spent_microdollars, day.reserved_microdollars) == (2_200_000, 0)


async def test_a_turn_after_a_failed_attempt_is_saved_with_its_own_cost(build: Job) -> None:
    owner = await in_transaction(claim_of, build)
    spent = [USED]
    store = store_of(owner, spent)
    await store.begin(START)
    await store.next_attempt(USED)
    await store.save_turn(Turn([text_block("Hello.")], "end_turn", USED), {})
    day = await in_transaction(DailyBudget.objects.get)
    assert (day.spent_microdollars, day.reserved_microdollars) == (20_000, 0)
    session = await in_transaction(AgentSession.objects.get)
    assert session.cost_microdollars == 20_000


def test_a_provider_that_cuts_every_answer_costs_a_day_at_most(
    build: Job, settings: Settings, tmp_path: Path
) -> None:
    """The provider bills each attempt that it cuts off; the agent sleeps when no other one fits."""
    Subscription.objects.update(monthly_budget_override_microdollars=4_500_000)
    AgentSession.objects.update(
        model="claude-sonnet-5-5",
        system_prompt=f"{PERSONA * 8}\n<founder_input>\n{FOUNDER}\n</founder_input>",
    )
    settings.ANTHROPIC_API_KEY = "a key"
    waits: list[int] = []

    async def waiting(reason: str, attempt: int) -> None:
        waits.append(attempt)

    async def once() -> Any:
        async with model_server(tmp_path) as url, httpx.AsyncClient() as client:
            settings.ANTHROPIC_BASE_URL = url
            cuts = {"kind": "cut", "after_events": 9, "times": 500}
            (await client.post(f"{url}/rehearsal/faults", json=[cuts])).raise_for_status()
            owner = await in_transaction(claim_of, build, 1)
            session, rows = await in_transaction(load, owner)
            store = CheckpointStore(owner, rows, lambda: model.meter.current, lambda: None)
            patience = Patience(first_pause=0.001, longest_pause=0.001)
            model = AnthropicModel(waiting, store, patience)
            context = Context(session, store, model, UnusedToolbox(), TOOLS, unasked)
            rest = await run_agent_loop(context, START)
            await model.close()
            bill = await client.get(f"{url}/rehearsal/billed", params={"user_id": str(build.pk)})
            return rest, bill.json()["totals"]["cost_microdollars"]

    rest, billed = asyncio.run(once())
    day = DailyBudget.objects.get()
    assert rest.state == SessionState.SLEEPING
    assert rest.is_for_money
    assert len(waits) > 1
    assert day.reserved_microdollars == 0
    assert day.spent_microdollars == billed
    assert billed <= ceiling(day.allowance_microdollars, 4_500_000)
    assert AgentSession.objects.get().cost_microdollars == billed
