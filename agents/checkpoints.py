"""The checkpoint's units of work: each is one transaction, fenced by the session's epoch.

They run on a database thread (`agents.database.unit`) and lock in the order of `agents.locks`. A unit that
finds another epoch writes nothing and raises `OwnershipLost`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from agents import effects, inbox, live, metrics, questions
from agents.budget import ledger, renewal
from agents.budget.allowance import budget_pct, is_winding_down
from agents.errors import AgentError
from agents.failures import retry_policy
from agents.locks import lock_job, lock_session
from agents.models import ASLEEP, AgentMessage, AgentSession, SessionState, Subscription
from agents.notifications import notices
from agents.prompts import note_text
from agents.standing import Standing, standing_of
from agents.state import SUSPENDED, SUSPENSION, MoveLost, move, reason_to_pause
from agents.tool_effects import Asked
from agents.transcript import upper_bound
from agents.turns import COMPACTION, EXCERPT_LIMIT, Block, ToolResult, Turn, note, text_block
from agents.usage import Usage
from jobs import clock, events
from jobs.events import Fact
from jobs.models import EventType
from jobs.queue import enqueue_agent_run, is_at_work

TOOLS_BOUND = 8_000  # the most tokens that the tools' descriptions take


class OwnershipLost(AgentError):
    """Another worker owns this session now."""


class NewsCame(Exception):
    """The session must not rest: something came that it should go on for."""


@dataclass(frozen=True)
class Owner:
    """A claim on a session: every write names it."""

    job_id: UUID
    epoch: int
    previous: str  # the state the claim found

    @property
    def is_fresh(self) -> bool:
        """Whether the session was not at work when it was claimed, so that its tool calls count from zero."""
        return self.previous != SessionState.WORKING


@dataclass(frozen=True)
class Next:
    """What comes next: the rows added to the transcript, and the model call reserved after them."""

    rows: list[AgentMessage]
    grant: ledger.Grant | None  # None: the call does not fit into the day's budget
    is_overdrawn: bool = False  # it does not fit although the model was told to wind down
    pause: str = ""  # why to pause after this step; empty to go on
    context_tokens: int = 0  # the next call's input, at most
    context_limit: int = 0  # above it, the transcript is compacted first
    standing: Standing | None = None  # what the next fast write expects to find
    has_answers: bool = False  # of the founder, among the new rows


def claim(job_id: UUID, run_id: int) -> Owner | None:
    """Claim the session for this run; None when it is claimed, ended, at rest or not yet due."""
    session = lock_session(job_id)
    if session is None or not _may_run(session, run_id):
        return None
    epoch, previous, wake_at = session.epoch + 1, session.state, session.wake_at
    taken: dict[str, Any] = {"epoch": epoch, "run_id": run_id, "wake_at": None, "last_heard_at": clock.now()}
    if previous == SessionState.WORKING:
        AgentSession.objects.filter(pk=job_id).update(**taken)
    else:
        move(session, SessionState.WORKING, tool_calls=0, **taken)
    if previous in ASLEEP:
        metrics.woke(wake_at)
        same_day = session.wound_down_on == clock.today()
        reason = "There is more money for today." if same_day else "A new day's budget is there."
        events.record(job_id, EventType.WAKING, reason=reason)
    return Owner(job_id, epoch, previous)


def _may_run(session: AgentSession, run_id: int) -> bool:
    state = session.state
    if state == SessionState.QUEUED:
        return True
    if state == SessionState.WORKING:
        return session.run_id == run_id or not is_at_work(session.run_id)
    if state in ASLEEP:
        return session.wake_at is not None and session.wake_at <= clock.now()
    return state == SessionState.WAITING_FOR_INPUT and inbox.has_news(session.job_id)


def write_session(owner: Owner, **fields: Any) -> None:
    """Write the session's row if the claim still holds; raise `OwnershipLost` otherwise."""
    changed = AgentSession.objects.filter(pk=owner.job_id, epoch=owner.epoch).update(
        last_heard_at=clock.now(), **fields
    )
    if changed != 1:
        raise OwnershipLost


def move_session(
    owner: Owner, to: SessionState, reason: str, *, cause: str = "", wake_at: datetime | None = None
) -> None:
    """Move the session out of its work if the claim still holds; raise `OwnershipLost` otherwise."""
    held = AgentSession.objects.filter(pk=owner.job_id, epoch=owner.epoch, state=SessionState.WORKING)
    session = held.first()
    if session is None:
        raise OwnershipLost
    try:
        move(session, to, reason, cause=cause, run_id=None, wake_at=wake_at, last_heard_at=clock.now())
    except MoveLost as error:
        raise OwnershipLost from error


def load(owner: Owner) -> tuple[AgentSession, list[AgentMessage]]:
    """The session, and its transcript since the last summary, in order."""
    session = AgentSession.objects.select_related("user", "job__project", "job__idea_brief").get(
        pk=owner.job_id, epoch=owner.epoch
    )
    summary = session.messages.filter(stop_reason=COMPACTION).order_by("-position").first()
    rows = session.messages.filter(position__gte=summary.position if summary else 0)
    return session, list(rows)


def has_slept(owner: Owner, session: AgentSession) -> bool:
    """Whether the session slept and the model was not told yet: the worker that woke it may have died."""
    return owner.previous in ASLEEP or session.slept_after == session.last_position


def begin(owner: Owner, notes: Sequence[Block]) -> Next:
    """Enter the loop: add notes and reserve the first call.

    Tool results must follow their calls directly, so the founder's messages wait while calls are open.
    """
    session = AgentSession.objects.get(pk=owner.job_id)
    bound = session.context_tokens or upper_bound([text_block(session.system_prompt)]) + TOOLS_BOUND
    used = 0 if owner.is_fresh else session.tool_calls
    return _go_on(
        owner, session, bound, notes=notes, are_calls_open=_has_open_calls(session), tool_calls=used
    )


def _has_open_calls(session: AgentSession) -> bool:
    last = session.messages.last()
    if last is None or last.role != AgentMessage.Role.ASSISTANT:
        return False
    return any(block["type"] == "tool_use" for block in last.content)


def save_turn(
    owner: Owner, grant: ledger.Grant, turn: Turn, spent: Usage, labels: dict[str, str]
) -> AgentMessage:
    """First save of a step: the model's turn and what it cost, before any tool runs."""
    entry, day = ledger.settle(grant.entry_id, spent)
    session = AgentSession.objects.get(pk=owner.job_id)
    row = _message(session, AgentMessage.Role.ASSISTANT, turn.content, turn.stop_reason)
    row.save()
    spent_today, allowance = day.spent_microdollars, day.allowance_microdollars
    facts = [*facts_of(turn, labels, session.current_phase), budget_fact(spent_today, allowance)]
    events.record_all(owner.job_id, facts)
    write_session(
        owner,
        last_position=row.position,
        iteration=F("iteration") + 1,
        cost_microdollars=F("cost_microdollars") + entry.cost_microdollars,
        context_tokens=turn.usage.context_tokens,
    )
    transaction.on_commit(partial(live.set_budget, {owner.job_id: budget_pct(spent_today, allowance)}))
    return row


def save_results(owner: Owner, results: Sequence[ToolResult], notes: Sequence[Block]) -> Next:
    """Second save of a step: results, their effects, notes for the model, the next call's reservation."""
    session = AgentSession.objects.get(pk=owner.job_id)
    content = [result.block() for result in results]
    rows = [_message(session, AgentMessage.Role.USER, content)] if content else []
    AgentMessage.objects.bulk_create(rows)
    bound = session.context_tokens + upper_bound(content)
    following = _go_on(
        owner, session, bound, results=results, notes=notes, tool_calls=F("tool_calls") + len(results)
    )
    return replace(following, rows=rows + following.rows)


def save_summary(owner: Owner, grant: ledger.Grant, turn: Turn, spent: Usage) -> Next:
    """Save a summary and its cost, then the founder's decisions word for word; reserve the next call."""
    entry, _ = ledger.settle(grant.entry_id, spent)
    session = AgentSession.objects.get(pk=owner.job_id)
    row = _message(session, AgentMessage.Role.ASSISTANT, turn.content, COMPACTION)
    row.save()
    bound = upper_bound([text_block(session.system_prompt)]) + TOOLS_BOUND + spent.output_tokens
    following = _go_on(
        owner,
        session,
        bound,
        notes=[inbox.decisions(owner.job_id)],
        cost_microdollars=F("cost_microdollars") + entry.cost_microdollars,
    )
    return replace(following, rows=[row, *following.rows])


def take_news(owner: Owner, notes: Sequence[Block] = ()) -> Next | None:
    """Add notes and what the founder sent, and reserve the next call; None if there is nothing to add."""
    if not notes and not inbox.has_news(owner.job_id):
        return None
    session = AgentSession.objects.get(pk=owner.job_id)
    return _go_on(owner, session, session.context_tokens, notes=notes)


def _go_on(
    owner: Owner,
    session: AgentSession,
    bound: int,
    *,
    results: Sequence[ToolResult] = (),
    notes: Sequence[Block] = (),
    are_calls_open: bool = False,
    **fields: Any,
) -> Next:
    """What every path to the next call has in common. An earlier reservation is released first."""
    renewal.renew_of(session.user_id)
    ledger.release_all_of(session.job_id)
    day = ledger.lock_day_of(session)
    winding_down = is_winding_down(day.spent_microdollars, day.allowance_microdollars)
    was_told = session.wound_down_on == day.day
    failures = retry_policy.record_failures(session, results)
    news = inbox.News() if are_calls_open else inbox.take(session.job_id)
    notes = [*notes, *failures.notes, *news.notes]
    if winding_down and not was_told and not are_calls_open:
        percent = budget_pct(day.spent_microdollars, day.allowance_microdollars)
        notes.append(note("wind_down", note_text("wind_down", percent=percent)))
        session.wound_down_on = fields["wound_down_on"] = day.day
    bound += upper_bound(notes)
    try:
        grant = ledger.reserve(session, bound, is_retry=any(result.is_error for result in results))
    except ledger.NoRoom:
        grant = None
    facts = [finished_fact(result, session.current_phase, session.iteration) for result in results]
    events.record_all(session.job_id, [*facts, *failures.facts])
    if any(event_type == EventType.WAITING_FOR_INPUT for event_type, _ in failures.facts):
        notices.queue(session.job_id, EventType.WAITING_FOR_INPUT)
    wanted = [effect for result in results for effect in result.effects]
    fields |= effects.apply(session, wanted)
    has_asked = any(event_type == EventType.WAITING_FOR_INPUT for event_type, _ in failures.facts)
    has_asked = has_asked or any(isinstance(effect, Asked) for effect in wanted)
    pause = _pause_after_too_many(session) if has_asked else ""
    if news.is_stop:
        pause = questions.STOPPED
    if news.has_answers:
        fields["tool_calls"] = 0
    rows = [_message(session, AgentMessage.Role.USER, [block]) for block in notes]
    AgentMessage.objects.bulk_create(rows)
    write_session(owner, context_tokens=bound, last_position=session.last_position, **fields)
    return Next(
        rows,
        grant,
        is_overdrawn=grant is None and was_told,
        pause=pause or reason_to_pause(session.pause_requested),
        context_tokens=bound,
        context_limit=ledger.context_limit(session.model, day),
        standing=standing_of(session, day, bound, failures.watched),
        has_answers=news.has_answers,
    )


def _pause_after_too_many(session: AgentSession) -> str:
    """Why to pause after a question; empty unless there were too many."""
    if not questions.asks_too_much(session):
        return ""
    events.record(session.job_id, EventType.BUILD_PAUSED, reason=questions.TOO_MANY)
    return questions.TOO_MANY


def add_notes(owner: Owner, notes: Sequence[Block]) -> list[AgentMessage]:
    """Add notes without reserving a call."""
    session = AgentSession.objects.get(pk=owner.job_id)
    rows = [_message(session, AgentMessage.Role.USER, [block]) for block in notes]
    AgentMessage.objects.bulk_create(rows)
    bound = session.context_tokens + upper_bound(list(notes))
    write_session(owner, context_tokens=bound, last_position=session.last_position)
    return rows


@dataclass(frozen=True)
class Rest:
    """How the session is to rest: its state, and the reason, in words for the founder."""

    state: SessionState
    reason: str
    wake_at: datetime | None = None
    is_for_money: bool = False
    cause: str = ""  # the reason for code that needs it later


def ask(owner: Owner, question: Asked, reason: str) -> Rest:
    """Ask the founder outside a tool call; returns how the session is to rest."""
    session = AgentSession.objects.select_related("job").get(pk=owner.job_id)
    write_session(owner, **effects.apply(session, [question]))
    if pause := _pause_after_too_many(session):
        return Rest(SessionState.PAUSED, pause)
    return Rest(SessionState.WAITING_FOR_INPUT, reason)


def rest(owner: Owner, wanted: Rest) -> None:
    """Let the session rest. Raises `NewsCame` when something has come that it should go on for."""
    ledger.release_all_of(owner.job_id)
    if _has_reason_to_go_on(owner, wanted):
        raise NewsCame
    if wanted.state == SessionState.PAUSED and _is_suspended(owner):
        wanted = replace(wanted, reason=SUSPENDED, cause=SUSPENSION)
    wake_at = wanted.wake_at.isoformat() if wanted.wake_at else None
    move_session(owner, wanted.state, wanted.reason, cause=wanted.cause, wake_at=wanted.wake_at)
    if wanted.state == SessionState.SLEEPING:
        events.record(owner.job_id, EventType.SLEEPING, wake_at=wake_at, reason=wanted.reason)
        if wanted.is_for_money:
            notices.queue(owner.job_id, EventType.SLEEPING)
    if wanted.state == SessionState.BUDGET_EXCEEDED:
        events.record(owner.job_id, EventType.BUDGET_EXCEEDED, wake_at=wake_at, budget_pct=100)
        notices.queue(owner.job_id, EventType.BUDGET_EXCEEDED)
    write_session(owner, pause_requested=False, sleep_requested=False)
    if wanted.wake_at is not None:
        enqueue_agent_run(owner.job_id, at=wanted.wake_at)
    if wanted.state in ASLEEP:
        write_session(owner, slept_after=F("last_position"))


def hand_back(owner: Owner) -> None:
    """Return a session at work to the queue, for any free worker.

    It records no event: the next claim does.
    """
    write_session(owner, state=SessionState.QUEUED, run_id=None)
    enqueue_agent_run(owner.job_id)


def _has_reason_to_go_on(owner: Owner, wanted: Rest) -> bool:
    """Whether something has come since the loop decided to rest, checked under the locks it would need."""
    if wanted.state == SessionState.WAITING_FOR_INPUT:
        lock_job(owner.job_id)  # answers and messages lock it too
        return inbox.has_news(owner.job_id)
    if not wanted.is_for_money:
        return False
    session = AgentSession.objects.get(pk=owner.job_id)
    day = ledger.lock_day_of(session)
    winding_down = is_winding_down(day.spent_microdollars, day.allowance_microdollars)
    return not winding_down and ledger.has_room(session, session.context_tokens)


def _is_suspended(owner: Owner) -> bool:
    return Subscription.objects.filter(user__sessions=owner.job_id, suspended=True).exists()


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


def facts_of(turn: Turn, labels: dict[str, str], phase: str) -> list[Fact]:
    """The events of a turn."""
    facts: list[Fact] = []
    if turn.thinking:
        facts.append((EventType.AGENT_THINKING, {"text": turn.thinking[:EXCERPT_LIMIT]}))
    if turn.text:
        facts.append((EventType.AGENT_MESSAGE, {"text": turn.text, "author": "agent"}))
    for call in turn.calls:
        payload = {
            "call_id": call.id,
            "tool": call.name,
            "label": labels[call.id],
            "phase": phase,
        }
        facts.append((EventType.TOOL_CALLED, payload))
    return facts


def budget_fact(spent: int, allowance: int) -> Fact:
    """The event of the founder's day: its budget and what is spent."""
    return (
        EventType.BUDGET_UPDATED,
        {
            "budget_pct": budget_pct(spent, allowance),
            "spent_microdollars": spent,
            "allowance_microdollars": allowance,
        },
    )


def finished_fact(result: ToolResult, phase: str, iteration: int) -> Fact:
    """The event of a tool result."""
    payload: dict[str, Any] = {
        "call_id": result.call.id,
        "tool": result.call.name,
        "label": result.label,
        "ok": not result.is_error,
        "exit_code": result.exit_code,
        "duration_ms": result.duration_ms,
        "excerpt": result.excerpt[:EXCERPT_LIMIT],
        "phase": phase,
        "iteration": iteration,
    }
    optional = {"command": result.call.input.get("command"), "diff": result.diff, "image": result.image}
    payload |= {name: value for name, value in optional.items() if value}
    return EventType.TOOL_FINISHED, payload
