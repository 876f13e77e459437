"""One call of the model: paid for in the ledger, bounded in money and time, its answer read by the rules."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Sum

from agents.budget import ledger, prices, subscriptions
from agents.budget.ledger import Grant, NoRoom
from agents.database import in_transaction
from agents.errors import AgentError
from agents.interview import desk, prompt, rules, schema
from agents.interview.desk import Call
from agents.interview.values import Question, Step, Talk
from agents.llm.client import AnthropicModel, Request
from agents.llm.metering import BYTES_PER_TOKEN
from agents.llm.retry import Patience, ProviderUnavailable
from agents.models import InterviewProgress, InterviewTrouble, SpendEntry
from agents.prompts import as_data
from agents.stops import OutOfBudget
from agents.turns import Turn
from agents.usage import Usage
from jobs import clock
from jobs.errors import PaymentNeeded

log = structlog.get_logger(__name__)

MOST_COST = 250_000  # µ$ a project
MOST_TOKENS = 6_000
LEAST_TOKENS = 2_500  # less does not hold a brief and a question
ATTEMPTS = 2  # at an answer that can be used
PATIENCE = Patience(deadline=60.0, stall=30.0, longest_pause=5.0)  # a person waits for it


class UsedUp(Exception):
    """The interview's own share of the money is spent."""


async def ask(interview_id: UUID, version: int, patience: Patience = PATIENCE) -> None:
    """Get the next question, or the end, for this version of the interview."""
    try:
        call = await in_transaction(desk.talk_for, interview_id, version)
        if call is not None:
            await _ask(call, patience)
    except (PaymentNeeded, OutOfBudget):
        await in_transaction(desk.interrupted, interview_id, version, InterviewTrouble.NO_MONEY)
    except ProviderUnavailable:
        await in_transaction(desk.interrupted, interview_id, version, InterviewTrouble.MODEL_AWAY)
    except (AgentError, prices.UnknownModel) as error:
        log.error("interview.failed", interview_id=str(interview_id), error=repr(error))
        await in_transaction(desk.interrupted, interview_id, version, InterviewTrouble.OPERATOR)


async def _ask(call: Call, patience: Patience) -> None:
    purse = Purse(call)
    model = AnthropicModel(_no_news, purse, patience)
    messages = [prompt.message(call.talk)]
    step: Step | None = None
    try:
        for _ in range(ATTEMPTS):
            turn = await _paid_answer(model, purse, messages)
            try:
                step = read(turn, call.talk)
                break
            except rules.Unfit as error:
                log.warning("interview.unfit", interview_id=str(call.interview_id), reason=str(error))
                messages += _told(turn, str(error))
    except UsedUp:
        if step is None and len(messages) == 1:
            await in_transaction(desk.used_up, call)
            return
    finally:
        await model.close()
    taken = await in_transaction(desk.step_taken, call, step, await in_transaction(_next, call, step))
    log.info("interview.step", interview_id=str(call.interview_id), version=call.version, taken=taken)


def read(turn: Turn, talk: Talk) -> Step:
    """The step that the model's turn holds; raises `Unfit` where it holds none that may be used."""
    given = next((block for block in turn.content if block["type"] == "tool_use"), None)
    if given is None or given["name"] != schema.NAME or turn.stop_reason != "tool_use":
        raise rules.Unfit(prompt.NOT_CALLED)
    step = schema.read(given["input"], talk)
    if rules.may_ask(talk) and talk.open is None:
        rules.check(step, talk)
    return step


def _next(call: Call, step: Step | None) -> Question | None:
    """The model's question; where its answers could not be used, the map's own."""
    if not rules.may_ask(call.talk):
        return None
    if step is not None:
        return step.question
    stored = InterviewProgress.objects.values_list("uncertainty", flat=True).get(pk=call.interview_id)
    return rules.fixed_question(call.talk, desk.uncertainty_of(stored))


def _told(turn: Turn, reason: str) -> list[dict[str, Any]]:
    """The unfit answer with what is wrong with it, as the API wants it: each call gets its result."""
    calls = [block for block in turn.content if block["type"] == "tool_use"]
    results: list[dict[str, Any]] = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": reason, "is_error": True}
        for call in calls
    ]
    said = {"role": "user", "content": results or [{"type": "text", "text": reason}]}
    return [{"role": "assistant", "content": turn.content}, said] if turn.content else [said]


# Money


async def _paid_answer(model: AnthropicModel, purse: "Purse", messages: list[dict[str, Any]]) -> Turn:
    request = Request(
        model=purse.call.model,
        system=prompt.system_prompt(),
        tools=[schema.TOOL],
        messages=messages,
        max_tokens=await purse.reserve(_tokens(messages)),
        job_id=str(purse.call.interview_id),
    )
    try:
        return await model.answer(request)
    finally:
        await purse.settle(model.meter.current)


def _tokens(messages: list[dict[str, Any]]) -> int:
    """Rather too many: the request in bytes, as the provider would count them at the worst."""
    sent = [prompt.system_prompt(), schema.TOOL, messages]
    return len(as_data(sent).encode()) // (BYTES_PER_TOKEN - 1)


@dataclass
class Purse:
    """Pays for the attempts at a call, each with a row of its own in the ledger."""

    call: Call
    grant: Grant | None = None
    tokens: int = 0

    async def reserve(self, tokens: int) -> int:
        self.tokens = tokens
        self.grant = await in_transaction(_reserve, self.call, tokens)
        return self.grant.max_tokens

    async def next_attempt(self, used: Usage) -> int:
        await self.settle(used)
        return await self.reserve(self.tokens)

    async def settle(self, used: Usage) -> None:
        if self.grant is not None:
            grant, self.grant = self.grant, None
            await in_transaction(_settle, self.call, grant.entry_id, used)


def _reserve(call: Call, tokens: int) -> Grant:
    """Raises `UsedUp` for the interview's own limit, `OutOfBudget` for the founder's day."""
    subscription = subscriptions.require_subscription(call.user_id)
    day = ledger.lock_day(subscription, clock.today())
    room = MOST_COST - cost_of_project(call.interview_id)
    if prices.price_of(call.model, day.day).output_that_fits(tokens, room) < LEAST_TOKENS:
        raise UsedUp
    try:
        grant = ledger.reserve_apart(
            subscription,
            SpendEntry.Kind.INTERVIEW,
            model=call.model,
            input_tokens=tokens,
            most_tokens=MOST_TOKENS,
            least_tokens=LEAST_TOKENS,
            room=room,
        )
    except NoRoom as error:
        raise OutOfBudget(is_overdrawn=False) from error
    if left := desk.call_begins(call.interview_id, grant.entry_id):
        ledger.release(left)  # of a worker that died during its call
    return grant


def _settle(call: Call, entry_id: UUID, used: Usage) -> None:
    if used == Usage():
        ledger.release(entry_id)
    else:
        ledger.settle_late(entry_id, used)
    cost = SpendEntry.objects.values_list("cost_microdollars", flat=True).get(pk=entry_id)
    desk.call_ended(call.interview_id, cost)


def cost_of_project(interview_id: UUID) -> int:
    """What all interviews of the project have cost so far, in µ$."""
    interviews = InterviewProgress.objects.filter(interview__project__interviews=interview_id)
    return int(interviews.aggregate(total=Sum("cost_microdollars", default=0))["total"])


async def _no_news(reason: str, attempt: int) -> None:
    """The page waits anyway; it says so itself after a while."""
