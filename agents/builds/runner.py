"""Runs the loop with everything it needs, and turns what stopped it into an outcome."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from agents.budget import wake_time
from agents.budget.allowance import LEAST_CONTEXT
from agents.budget.prices import ModelEnded, UnknownModel
from agents.builds.measured import MeasuredModel, MeasuredStore, MeasuredToolbox
from agents.checkpoint import step
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.guards import Guards
from agents.llm.client import AnthropicModel, Request
from agents.llm.retry import ProviderUnavailable
from agents.loop import Loop, Toolbox
from agents.models import AgentSession, SessionState
from agents.prompts import note_text
from agents.session import inbox, questions
from agents.session.rest import Rest
from agents.session.state import AS_ASKED
from agents.stops import CapReached, GoingInCircles, OutOfBudget, PauseRequested, TurnEnded
from agents.turns import Block, Turn, note
from jobs import clock

log = structlog.get_logger(__name__)

PROVIDER_REST = timedelta(minutes=10)
NO_PRICE = (
    "I am paused: no price is configured for my model. "
    "The operator of this installation can add it; then I go on by myself."
)
PUT_TO_SLEEP = "Put to sleep by the operator of this installation."


@dataclass(frozen=True)
class Context:
    """What a run works with. `is_complete` tells whether everything promised is built and checked."""

    session: AgentSession
    store: CheckpointStore
    model: AnthropicModel
    toolbox: Toolbox
    tools: list[dict[str, Any]]
    is_complete: Callable[[], Awaitable[bool]]


class BoundModel:
    """The model as the loop sees it: this session's model, prompt and tools."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return await self._paid(self._request(messages, max_tokens))

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return await self._paid(replace(self._request(messages, max_tokens), is_compaction=True))

    async def _paid(self, request: Request) -> Turn:
        try:
            return await self._context.model.answer(request)
        except BaseException:  # whatever interrupted the call, it has cost money
            await self._context.store.bill()
            raise

    def _request(self, messages: list[dict[str, Any]], max_tokens: int) -> Request:
        session = self._context.session
        return Request(
            model=session.model,
            system=session.system_prompt,
            tools=self._context.tools,
            messages=messages,
            max_tokens=max_tokens,
            job_id=str(session.job_id),
        )


async def run_agent_loop(context: Context, notes: Sequence[Block]) -> Rest | None:
    """Run the agent until it is finished (None) or has to rest.

    Raises what neither the model nor the founder can fix: `AgentError`, `ClaimLost`.
    """
    session = context.session
    guards = Guards(session.max_tool_calls, 0 if context.store.claim.is_fresh else session.tool_calls)
    model, toolbox = MeasuredModel(BoundModel(context)), MeasuredToolbox(context.toolbox)
    loop = Loop(model, toolbox, MeasuredStore(context.store), guards)
    try:
        await context.store.begin(notes)
        while True:
            try:
                await loop.run()
            except TurnEnded:
                if not await context.store.take_news():
                    return await _after_the_last_turn(context, loop)
            except (GoingInCircles, CapReached) as stuck:
                return await _ask_how_to_go_on(context, stuck)
    except OutOfBudget as stop:
        return await _until_there_is_money(context, is_overdrawn=stop.is_overdrawn)
    except PauseRequested as stop:
        return await in_transaction(_as_asked, session.pk, str(stop))
    except ModelEnded:
        raise
    except UnknownModel:
        log.exception("budget.no_price", model=session.model)
        return Rest(SessionState.SLEEPING, NO_PRICE, await in_transaction(wake_time.wake_time_of, session))
    except ProviderUnavailable:
        return Rest(
            SessionState.SLEEPING,
            "The model's provider does not answer. I try again in ten minutes.",
            await in_transaction(clock.now) + PROVIDER_REST,
        )


async def _after_the_last_turn(context: Context, loop: Loop) -> Rest | None:
    """A model that ended its turn waits for an answer, winds down for the day, or is done."""
    session = await in_transaction(AgentSession.objects.get, pk=context.session.pk)
    if session.pause_requested:
        return await in_transaction(_as_asked, session.pk, AS_ASKED)
    if session.wound_down_on == await in_transaction(clock.today) and not await context.is_complete():
        if session.context_tokens > LEAST_CONTEXT:
            await _sum_up_for_the_night(context, loop)
        return await _until_there_is_money(context, is_overdrawn=False)
    if await in_transaction(inbox.has_pending_questions, session.pk):
        return Rest(SessionState.WAITING_FOR_INPUT, "I can go on as soon as you have answered.")
    return None


def _as_asked(job_id: UUID, reason: str) -> Rest:
    """The pause that was requested, or the sleep."""
    session = AgentSession.objects.get(pk=job_id)
    if session.sleep_requested:
        return Rest(SessionState.SLEEPING, PUT_TO_SLEEP, wake_time.wake_time_of(session))
    return Rest(SessionState.PAUSED, reason)


async def _sum_up_for_the_night(context: Context, loop: Loop) -> None:
    """Sum up while the provider's cache is warm: tomorrow the whole transcript would cost its full price."""
    with suppress(OutOfBudget):  # what is left of today's budget is not enough
        await context.store.begin([note("night", note_text("night"))])
        await loop.sum_up()


async def _until_there_is_money(context: Context, *, is_overdrawn: bool) -> Rest:
    session = await in_transaction(AgentSession.objects.get, pk=context.session.pk)
    wake_at = await in_transaction(wake_time.wake_time_of, session)
    if is_overdrawn:
        reason = "Today's budget is used up in the middle of a step."
        return Rest(SessionState.BUDGET_EXCEEDED, reason, wake_at, is_for_money=True)
    reason = "Today's budget is used. I go on when there is a new one."
    return Rest(SessionState.SLEEPING, reason, wake_at, is_for_money=True)


async def _ask_how_to_go_on(context: Context, stuck: GoingInCircles | CapReached) -> Rest:
    """An agent that is stuck asks the founder; the build does not end."""
    about = questions.about_the_cap if isinstance(stuck, CapReached) else questions.about_circles
    question = about(context.session.max_tool_calls)
    reason = "I need a decision from you to go on."
    return await in_transaction(step.ask, context.store.claim, question, reason)
