"""Runs the loop with everything it needs, and turns what stopped it into an outcome."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog

from agents.budget import ledger, wake_time
from agents.budget.allowance import LEAST_CONTEXT, budget_pct, is_winding_down
from agents.builds.measured import MeasuredModel, MeasuredStore, MeasuredToolbox
from agents.checkpoint import step
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.errors import AgentError, Trouble
from agents.guards import Guards
from agents.llm.client import AnthropicModel, Request
from agents.llm.retry import ModelRefused
from agents.loop import Loop, Toolbox
from agents.models import AgentMessage, AgentSession, SessionState
from agents.prompts import as_data, note_text
from agents.session import inbox, questions
from agents.session.rest import Rest
from agents.session.state import AS_ASKED
from agents.stops import (
    CapReached,
    ContextFull,
    GoingInCircles,
    ModelDeclined,
    OutOfBudget,
    PauseRequested,
    TooLongAnswers,
    TurnEnded,
)
from agents.tool_effects import Asked
from agents.turns import Block, Turn, note
from jobs import clock
from jobs.models import Phase

log = structlog.get_logger(__name__)

OPEN_PHASES = "open_phases"
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
        try:
            return await self._paid(replace(self._request(messages, max_tokens), is_compaction=True))
        except ModelRefused as refusal:
            if refusal.trouble != Trouble.MODEL_REQUEST:
                raise
            log.warning("model.no_summary", said=str(refusal))
            return Turn([], "refused")  # the build goes on without a summary

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
                if await context.store.take_news():
                    continue
                rest = await _after_the_last_turn(context, loop)
                if rest is not None or not await _goes_on_with_its_plan(context):
                    return rest
            except tuple(_QUESTIONS) as stuck:
                return await _ask_how_to_go_on(context, stuck)
    except OutOfBudget as stop:
        return await _until_there_is_money(context, is_overdrawn=stop.is_overdrawn)
    except PauseRequested as stop:
        return await in_transaction(_as_asked, session.pk, str(stop))


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


async def _goes_on_with_its_plan(context: Context) -> bool:
    """Once in a build, a model that ends its turn before it has begun its last phases is asked about them."""
    notes = await in_transaction(_about_open_phases, context.session.pk)
    try:
        return bool(notes) and await context.store.take_news(notes)
    except OutOfBudget:
        return False  # the checks cost nothing, and may find everything done


# How the row of that note begins.
_ASKED = AgentMessage.content.field.get_prep_value([note(OPEN_PHASES, "")]).partition("\\n")[0]


def _about_open_phases(job_id: UUID) -> list[Block]:
    session = AgentSession.objects.select_related("job").get(pk=job_id)
    was_asked = session.messages.filter(role=AgentMessage.Role.USER, content__startswith=_ASKED)
    if session.wound_down_on == clock.today() or was_asked.exists():
        return []
    phases = [phase.name for phase in session.job.phases.filter(status=Phase.Status.PLANNED)]
    return [note(OPEN_PHASES, note_text(OPEN_PHASES, phases=as_data(phases)))] if phases else []


def _as_asked(job_id: UUID, reason: str) -> Rest:
    """The pause that was requested, or the sleep."""
    session = AgentSession.objects.get(pk=job_id)
    if session.sleep_requested:
        return Rest(SessionState.SLEEPING, PUT_TO_SLEEP, wake_time.wake_time_of(session))
    return Rest(SessionState.PAUSED, reason)


async def _sum_up_for_the_night(context: Context, loop: Loop) -> None:
    """Sum up while the provider's cache is warm: tomorrow the whole transcript would cost its full price."""
    with suppress(OutOfBudget, ContextFull):  # not enough money left today, or too long already
        await context.store.begin([note("night", note_text("night"))])
        await loop.sum_up()


async def _until_there_is_money(context: Context, *, is_overdrawn: bool) -> Rest:
    return await in_transaction(_sleep_for_money, context.session.pk, is_overdrawn)


def _sleep_for_money(job_id: UUID, is_overdrawn: bool) -> Rest:
    session = AgentSession.objects.get(pk=job_id)
    wake_at = wake_time.wake_time_of(session)
    if is_overdrawn:
        reason = "Today's budget is used up in the middle of a step."
        return Rest(SessionState.BUDGET_EXCEEDED, reason, wake_at, is_for_money=True)
    day = ledger.lock_day_of(session)
    spent, allowance = day.spent_microdollars, day.allowance_microdollars
    reason = TODAY_IS_USED
    if not is_winding_down(spent, allowance):
        reason = NEXT_STEP_IS_DEAR.format(percent=budget_pct(spent, allowance))
    return Rest(SessionState.SLEEPING, reason, wake_at, is_for_money=True)


TODAY_IS_USED = "Today's budget is used. I go on when there is a new one."
NEXT_STEP_IS_DEAR = (
    "My next step may cost more than what is left of today's budget, of which {percent} % is used. "
    "I go on when there is enough."
)


_QUESTIONS: dict[type[AgentError], Callable[[AgentSession], Asked]] = {
    GoingInCircles: lambda session: questions.about_circles(session.max_tool_calls),
    CapReached: lambda session: questions.about_the_cap(session.max_tool_calls),
    ModelDeclined: lambda session: questions.about_declining(session.current_phase),
    TooLongAnswers: lambda session: questions.about_long_answers(session.current_phase),
}


async def _ask_how_to_go_on(context: Context, stuck: AgentError) -> Rest:
    """An agent that is stuck asks the founder; the build does not end."""
    session = await in_transaction(AgentSession.objects.get, pk=context.session.pk)
    reason = "I need a decision from you to go on."
    return await in_transaction(step.ask, context.store.claim, _QUESTIONS[type(stuck)](session), reason)
