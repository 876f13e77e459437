"""Owning a session: a run claims it, and every write names the claim and its epoch.

A unit that finds another epoch writes nothing and raises `ClaimLost`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Sum

from agents import metrics
from agents.models import ASLEEP, AgentMessage, AgentSession, BudgetChange, SessionState
from agents.session import inbox
from agents.session.locks import lock_session
from agents.session.state import MoveLost, move
from agents.stops import ClaimLost
from agents.turns import COMPACTION
from jobs import clock, events
from jobs.models import EventType, JobEvent
from jobs.queue import enqueue_agent_run, is_at_work


@dataclass(frozen=True)
class Claim:
    """A claim on a session: every write names it."""

    job_id: UUID
    epoch: int
    previous: str  # the state the claim found

    @property
    def is_fresh(self) -> bool:
        """Whether the session was not at work when it was claimed, so that its tool calls count from zero."""
        return self.previous != SessionState.WORKING


def claim(job_id: UUID, run_id: int) -> Claim | None:
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
        cause = _cause_of_waking(session)
        events.record(job_id, EventType.WAKING, reason=WAKING[cause], cause=cause.value)
    return Claim(job_id, epoch, previous)


class Cause(StrEnum):
    """Why a sleeper wakes."""

    NEW_DAY = "new_day"
    MONEY = "money"
    ASKED = "asked"
    TROUBLE = "trouble"


WAKING = {
    Cause.NEW_DAY: "A new day's budget is there.",
    Cause.MONEY: "There is more money for today.",
    Cause.ASKED: "I was asked to go on.",
    Cause.TROUBLE: "I try again.",
}


def _cause_of_waking(session: AgentSession) -> Cause:
    if session.trouble:
        return Cause.TROUBLE
    kinds = [EventType.SLEEPING, EventType.BUDGET_EXCEEDED]
    slept = JobEvent.objects.filter(job_id=session.job_id, type__in=kinds).order_by("-seq").first()
    if slept is None or slept.created_at.date() != clock.today():
        return Cause.NEW_DAY
    changes = BudgetChange.objects.filter(user=session.user_id, created_at__gte=slept.created_at)
    more = changes.aggregate(total=Sum("amount_microdollars", default=0))["total"]
    return Cause.MONEY if more > 0 else Cause.ASKED


def last_cause(claim: Claim) -> Cause:
    """Why the session was woken the last time."""
    woken = JobEvent.objects.filter(job_id=claim.job_id, type=EventType.WAKING).order_by("-seq").first()
    return Cause(woken.payload.get("cause", Cause.NEW_DAY)) if woken else Cause.NEW_DAY


def _may_run(session: AgentSession, run_id: int) -> bool:
    state = session.state
    if state == SessionState.QUEUED:
        return True
    if state == SessionState.WORKING:
        return session.run_id == run_id or not is_at_work(session.run_id)
    if state in ASLEEP:
        return session.wake_at is not None and session.wake_at <= clock.now()
    return state == SessionState.WAITING_FOR_INPUT and inbox.has_news(session.job_id)


def write_session(claim: Claim, **fields: Any) -> None:
    """Write the session's row if the claim still holds; raise `ClaimLost` otherwise."""
    changed = AgentSession.objects.filter(pk=claim.job_id, epoch=claim.epoch).update(
        last_heard_at=clock.now(), **fields
    )
    if changed != 1:
        raise ClaimLost


def move_session(
    claim: Claim,
    to: SessionState,
    reason: str,
    *,
    cause: str = "",
    wake_at: datetime | None = None,
    **fields: Any,
) -> None:
    """Move the session out of its work, with other fields, if the claim still holds; else `ClaimLost`."""
    held = AgentSession.objects.filter(pk=claim.job_id, epoch=claim.epoch, state=SessionState.WORKING)
    session = held.first()
    if session is None:
        raise ClaimLost
    try:
        now = clock.now()
        move(session, to, reason, cause=cause, run_id=None, wake_at=wake_at, last_heard_at=now, **fields)
    except MoveLost as error:
        raise ClaimLost from error


def load(claim: Claim) -> tuple[AgentSession, list[AgentMessage]]:
    """The session, and its transcript since the last summary, in order."""
    session = AgentSession.objects.select_related("user", "job__project", "job__idea_brief").get(
        pk=claim.job_id, epoch=claim.epoch
    )
    summary = session.messages.filter(stop_reason=COMPACTION).order_by("-position").first()
    rows = session.messages.filter(position__gte=summary.position if summary else 0)
    return session, list(rows)


def has_slept(claim: Claim, session: AgentSession) -> bool:
    """Whether the session slept and the model was not told yet: the worker that woke it may have died."""
    return claim.previous in ASLEEP or session.slept_after == session.last_position


def hand_back(claim: Claim) -> None:
    """Return a session at work to the queue, for any free worker.

    It records no event: the next claim does.
    """
    write_session(claim, state=SessionState.QUEUED, run_id=None)
    enqueue_agent_run(claim.job_id)
