"""The checkpoint's units of work: each is one transaction, fenced by the session's epoch.

They run on a database thread (`agents.database.in_transaction`) and lock in the order of
`agents.session.locks`. A unit that finds another epoch writes nothing and raises `ClaimLost`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from agents.budget import ledger, renewal
from agents.budget.allowance import USUAL_MAX_TOKENS, budget_pct, is_winding_down
from agents.checkpoint import apply_effects
from agents.checkpoint.expected import Expected, expected_of
from agents.checkpoint.transcript import upper_bound
from agents.failures import retry_policy
from agents.models import AgentMessage, AgentSession, DailyBudget, SessionState
from agents.notifications import notices
from agents.prompts import as_data, as_string, note_text
from agents.session import inbox, live_keys, questions
from agents.session.claim import Claim, write_session
from agents.session.facts import budget_fact, facts_of, finished_fact
from agents.session.rest import Rest
from agents.session.state import reason_to_pause
from agents.tool_effects import Asked
from agents.turns import COMPACTION, Block, ToolResult, Turn, note, text_block
from agents.usage import Usage
from jobs import clock, events
from jobs.events import Fact
from jobs.models import EventType

TOOLS_BOUND = 8_000  # the most tokens that the tools' descriptions take


@dataclass(frozen=True)
class NextCall:
    """What comes next: the rows added to the transcript, and the model call reserved after them."""

    rows: list[AgentMessage]
    grant: ledger.Grant | None  # None: the call does not fit into the day's budget
    is_overdrawn: bool = False  # it does not fit although the model was told to wind down
    pause: str = ""  # why to pause after this step; empty to go on
    context_tokens: int = 0  # the next call's input, at most
    context_limit: int = 0  # above it, the transcript is compacted first
    standing: Expected | None = None  # what the next fast write expects to find
    has_answers: bool = False  # of the founder, among the new rows


def begin(claim: Claim, notes: Sequence[Block]) -> NextCall:
    """Enter the loop: add notes and reserve the first call.

    Tool results must follow their calls directly, so the founder's messages wait while calls are open.
    """
    session = AgentSession.objects.get(pk=claim.job_id)
    bound = session.context_tokens or upper_bound([text_block(session.system_prompt)]) + TOOLS_BOUND
    used = 0 if claim.is_fresh else session.tool_calls
    return _go_on(
        claim,
        session,
        bound,
        notes=notes,
        are_calls_open=_has_open_calls(session),
        is_first=claim.is_fresh,
        tool_calls=used,
    )


def _has_open_calls(session: AgentSession) -> bool:
    last = session.messages.last()
    if last is None or last.role != AgentMessage.Role.ASSISTANT:
        return False
    return any(block["type"] == "tool_use" for block in last.content)


def save_turn(
    claim: Claim, grant: ledger.Grant, turn: Turn, spent: Usage, labels: dict[str, str]
) -> AgentMessage:
    """First save of a step: the model's turn and what it cost, before any tool runs."""
    entry, day = ledger.settle(grant.entry_id, spent)
    session = AgentSession.objects.get(pk=claim.job_id)
    row = _message(session, AgentMessage.Role.ASSISTANT, turn.content, turn.stop_reason)
    row.save()
    _show_spend(claim, day, facts_of(turn, labels, session.current_phase))
    write_session(
        claim,
        last_position=row.position,
        iteration=F("iteration") + 1,
        cost_microdollars=F("cost_microdollars") + entry.cost_microdollars,
        context_tokens=turn.usage.context_tokens,
    )
    return row


def next_attempt(claim: Claim, failed: ledger.Grant, used: Usage) -> ledger.Grant | None:
    """Between two attempts at a call: settle the failed one, show what it cost, reserve the next one.

    None when the next one does not fit.
    """
    session = AgentSession.objects.get(pk=claim.job_id)
    renewal.renew_of(session.user_id)
    entry, day = ledger.settle(failed.entry_id, used)
    try:
        grant = ledger.reserve(session, session.context_tokens, is_retry=entry.is_retry)
    except ledger.NoRoom:
        grant = None
    _show_spend(claim, day)
    write_session(claim, cost_microdollars=F("cost_microdollars") + entry.cost_microdollars)
    return grant


def _show_spend(claim: Claim, day: DailyBudget, facts: Sequence[Fact] = ()) -> None:
    """Record what the day has cost by now, after these other facts, and set its live key."""
    spent, allowance = day.spent_microdollars, day.allowance_microdollars
    events.record_all(claim.job_id, [*facts, budget_fact(spent, allowance)])
    transaction.on_commit(partial(live_keys.set_budget, {claim.job_id: budget_pct(spent, allowance)}))


def save_results(
    claim: Claim,
    results: Sequence[ToolResult],
    notes: Sequence[Block],
    most_tokens: int = USUAL_MAX_TOKENS,
) -> NextCall:
    """Second save of a step: results, their effects, notes for the model, the next call's reservation."""
    session = AgentSession.objects.get(pk=claim.job_id)
    content = [result.block() for result in results]
    rows = [_message(session, AgentMessage.Role.USER, content)] if content else []
    AgentMessage.objects.bulk_create(rows)
    bound = session.context_tokens + upper_bound(content)
    following = _go_on(
        claim,
        session,
        bound,
        results=results,
        notes=notes,
        most_tokens=most_tokens,
        tool_calls=F("tool_calls") + len(results),
    )
    return replace(following, rows=rows + following.rows)


def save_summary(claim: Claim, grant: ledger.Grant, turn: Turn, spent: Usage, own_notes: str) -> NextCall:
    """Save a summary and its cost, then what comes back word for word; reserve the next call."""
    entry, _ = ledger.settle(grant.entry_id, spent)
    session = AgentSession.objects.select_related("job").get(pk=claim.job_id)
    row = _message(session, AgentMessage.Role.ASSISTANT, turn.content, COMPACTION)
    row.save()
    bound = upper_bound([text_block(session.system_prompt)]) + TOOLS_BOUND + spent.output_tokens
    following = _go_on(
        claim,
        session,
        bound,
        notes=_kept(session, own_notes),
        cost_microdollars=F("cost_microdollars") + entry.cost_microdollars,
    )
    return replace(following, rows=[row, *following.rows])


def go_on_without_summary(claim: Claim) -> NextCall:
    """Reserve the next call, after one that was to bring a summary and did not."""
    session = AgentSession.objects.get(pk=claim.job_id)
    return _go_on(claim, session, session.context_tokens)


def begin_afresh(claim: Claim, own_notes: str) -> NextCall:
    """Begin the conversation anew: an empty summary, and what comes back word for word."""
    session = AgentSession.objects.select_related("job").get(pk=claim.job_id)
    row = _message(session, AgentMessage.Role.ASSISTANT, [], COMPACTION)
    row.save()
    bound = upper_bound([text_block(session.system_prompt)]) + TOOLS_BOUND
    notes = [note("afresh", note_text("afresh")), *_kept(session, own_notes)]
    following = _go_on(claim, session, bound, notes=notes)
    return replace(following, rows=[row, *following.rows])


def _kept(session: AgentSession, own_notes: str) -> list[Block]:
    """What no summary may change: the founder's decisions, the plan with what is done, the agent's notes."""
    phases = [
        {"name": phase.name, "goal": phase.goal, "status": phase.get_status_display()}
        for phase in session.job.phases.all()
    ]
    text = note_text("kept", phases=as_data(phases, indent=1), own_notes=as_string(own_notes))
    return [inbox.decisions(session.job_id), note("kept", text)]


def take_news(claim: Claim, notes: Sequence[Block] = ()) -> NextCall | None:
    """Add notes and what the founder sent, and reserve the next call; None if there is nothing to add."""
    if not notes and not inbox.has_news(claim.job_id):
        return None
    session = AgentSession.objects.get(pk=claim.job_id)
    return _go_on(claim, session, session.context_tokens, notes=notes)


def _go_on(
    claim: Claim,
    session: AgentSession,
    bound: int,
    *,
    results: Sequence[ToolResult] = (),
    notes: Sequence[Block] = (),
    are_calls_open: bool = False,
    is_first: bool = False,
    most_tokens: int = USUAL_MAX_TOKENS,
    **fields: Any,
) -> NextCall:
    """What every path to the next call has in common. An earlier reservation is released first."""
    renewal.renew_of(session.user_id)
    ledger.release_all_of(session.job_id)
    day = ledger.lock_day_of(session)
    winding_down = is_winding_down(day.spent_microdollars, day.allowance_microdollars)
    was_told = session.wound_down_on == day.day
    failures = retry_policy.record_failures(session, results)
    news = inbox.Delivery() if are_calls_open else inbox.deliver(session.job_id)
    notes = [*notes, *failures.notes, *news.notes]
    if winding_down and not was_told and not are_calls_open:
        percent = budget_pct(day.spent_microdollars, day.allowance_microdollars)
        notes.append(note("wind_down", note_text("wind_down", percent=percent)))
        session.wound_down_on = fields["wound_down_on"] = day.day
    bound += upper_bound(notes)
    try:
        grant = ledger.reserve(
            session, bound, is_retry=any(result.is_error for result in results), most_tokens=most_tokens
        )
    except ledger.NoRoom:
        grant = None
    facts = [finished_fact(result, session.current_phase, session.iteration) for result in results]
    events.record_all(session.job_id, [*facts, *failures.facts])
    if any(event_type == EventType.WAITING_FOR_INPUT for event_type, _ in failures.facts):
        notices.enqueue(session.job_id, EventType.WAITING_FOR_INPUT)
    wanted = [effect for result in results for effect in result.effects]
    fields |= apply_effects.apply(session, wanted)
    has_asked = any(event_type == EventType.WAITING_FOR_INPUT for event_type, _ in failures.facts)
    has_asked = has_asked or any(isinstance(effect, Asked) for effect in wanted)
    pause = _pause_after_too_many(session) if has_asked else ""
    if news.is_stop:
        pause = questions.STOPPED
    if news.has_answers:
        fields["tool_calls"] = 0
    rows = [_message(session, AgentMessage.Role.USER, [block]) for block in notes]
    AgentMessage.objects.bulk_create(rows)
    write_session(claim, context_tokens=bound, last_position=session.last_position, **fields)
    return NextCall(
        rows,
        grant,
        is_overdrawn=grant is None and was_told and not is_first,
        pause=pause or reason_to_pause(session.pause_requested),
        context_tokens=bound,
        context_limit=ledger.context_limit(session.model, day),
        standing=expected_of(session, day, bound, failures.watched),
        has_answers=news.has_answers,
    )


def _pause_after_too_many(session: AgentSession) -> str:
    """Why to pause after a question; empty unless there were too many."""
    if not questions.asks_too_much(session):
        return ""
    events.record(session.job_id, EventType.BUILD_PAUSED, reason=questions.TOO_MANY)
    return questions.TOO_MANY


def add_notes(claim: Claim, notes: Sequence[Block]) -> list[AgentMessage]:
    """Add notes without reserving a call."""
    session = AgentSession.objects.get(pk=claim.job_id)
    rows = [_message(session, AgentMessage.Role.USER, [block]) for block in notes]
    AgentMessage.objects.bulk_create(rows)
    bound = session.context_tokens + upper_bound(list(notes))
    write_session(claim, context_tokens=bound, last_position=session.last_position)
    return rows


def ask(claim: Claim, question: Asked, reason: str) -> Rest:
    """Ask the founder outside a tool call; returns how the session is to rest."""
    session = AgentSession.objects.select_related("job").get(pk=claim.job_id)
    write_session(claim, **apply_effects.apply(session, [question]))
    if pause := _pause_after_too_many(session):
        return Rest(SessionState.PAUSED, pause)
    return Rest(SessionState.WAITING_FOR_INPUT, reason)


def _message(session: AgentSession, role: str, content: list[Block], stop_reason: str = "") -> AgentMessage:
    """The transcript's next row. Its position is counted on the session object, which only one owner has."""
    session.last_position += 1
    return AgentMessage(
        session=session,
        position=session.last_position,
        role=role,
        content=content,
        stop_reason=stop_reason,
        created_at=clock.now(),
    )
