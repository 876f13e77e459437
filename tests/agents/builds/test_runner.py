"""What follows when the model has ended its turn."""

from collections.abc import Sequence

import pytest

from agents.builds.runner import Context, run_agent_loop
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.llm.client import AnthropicModel, Request
from agents.models import AgentSession, DailyBudget
from agents.session.claim import load
from agents.session.rest import Rest
from agents.turns import Turn, note, text_block
from agents.usage import Usage
from jobs.models import Job, Phase
from tests.agents.claims import claim_of
from tests.agents.test_no_money import UnusedToolbox, unasked

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

USED = Usage(input_tokens=100, output_tokens=10)
DONE, WORKING, PLANNED = Phase.Status.DONE, Phase.Status.WORKING, Phase.Status.PLANNED


class FinishedModel(AnthropicModel):
    """A model without a client that ends its turn whatever it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Turn:
        self.asked.append(request.messages[-1]["content"][-1]["text"])
        return Turn([text_block("All done.")], "end_turn", USED)


def plan(build: Job, statuses: Sequence[Phase.Status]) -> None:
    AgentSession.objects.filter(pk=build.pk).update(model="claude-sonnet-5-5", system_prompt="Build.")
    for position, status in enumerate(statuses, 1):
        Phase.objects.create(job=build, position=position, name=f"Part <{position}>", status=status)


async def run(build: Job) -> tuple[Rest | None, list[str]]:
    """How one run of the loop ended, and what the model was told last before each of its turns."""

    def queue() -> None:
        AgentSession.objects.filter(pk=build.pk).update(state="queued", run_id=None)

    await in_transaction(queue)
    owner = await in_transaction(claim_of, build, 1)
    session, rows = await in_transaction(load, owner)
    store = CheckpointStore(owner, rows, lambda: USED, lambda: None)
    model = FinishedModel()
    context = Context(session, store, model, UnusedToolbox(), [], unasked)
    return await run_agent_loop(context, [note("start", "Begin.")]), model.asked


async def test_phases_that_were_not_begun_are_asked_about_once_before_the_checks(build: Job) -> None:
    await in_transaction(plan, build, [DONE, WORKING, PLANNED, PLANNED])
    rest, asked = await run(build)
    assert rest is None
    assert len(asked) == 2
    assert asked[1].startswith('<note kind="open_phases">')
    assert '["Part \\u003c3>", "Part \\u003c4>"]' in asked[1]
    rest, asked = await run(build)
    assert (rest, len(asked)) == (None, 1)


@pytest.mark.parametrize("statuses", [[], [DONE, WORKING]])
async def test_a_plan_at_its_last_phase_is_not_asked_about(build: Job, statuses: list[Phase.Status]) -> None:
    await in_transaction(plan, build, statuses)
    rest, asked = await run(build)
    assert (rest, len(asked)) == (None, 1)


async def test_without_money_for_the_question_the_checks_follow_at_once(build: Job) -> None:
    await in_transaction(plan, build, [PLANNED])
    owner = await in_transaction(claim_of, build, 1)
    session, rows = await in_transaction(load, owner)
    store = CheckpointStore(owner, rows, lambda: USED, lambda: None)

    class LastMoney(FinishedModel):
        async def answer(self, request: Request) -> Turn:
            await in_transaction(DailyBudget.objects.update, spent_microdollars=10**12)
            return await super().answer(request)

    model = LastMoney()
    context = Context(session, store, model, UnusedToolbox(), [], unasked)
    assert await run_agent_loop(context, [note("start", "Begin.")]) is None
    assert len(model.asked) == 1
