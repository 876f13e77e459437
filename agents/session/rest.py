"""Putting a session to rest: asleep, waiting, paused."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F

from agents.budget import ledger
from agents.budget.allowance import is_winding_down
from agents.models import ASLEEP, AgentSession, SessionState, Subscription
from agents.notifications import notices
from agents.session import inbox
from agents.session.claim import Claim, move_session, write_session
from agents.session.locks import lock_job
from agents.session.state import SUSPENDED, SUSPENSION
from agents.stops import InputArrived
from jobs import events
from jobs.models import EventType
from jobs.queue import enqueue_agent_run
from jobs.storable import storable


@dataclass(frozen=True)
class Rest:
    """How the session is to rest: its state, and the reason, in words for the founder."""

    state: SessionState
    reason: str
    wake_at: datetime | None = None
    is_for_money: bool = False
    cause: str = ""  # the reason for code that needs it later
    trouble: str = ""  # what outside is in trouble
    trouble_since: datetime | None = None
    trouble_count: int = 0  # how often in a row
    detail: str = ""  # what was said about it, for the operator


def put_to_rest(claim: Claim, wanted: Rest) -> None:
    """Let the session rest. Raises `InputArrived` when something has come that it should go on for."""
    ledger.release_all_of(claim.job_id)
    if _has_reason_to_go_on(claim, wanted):
        raise InputArrived
    if wanted.state == SessionState.PAUSED and _is_suspended(claim):
        wanted = replace(wanted, reason=SUSPENDED, cause=SUSPENSION)
    wake_at = wanted.wake_at.isoformat() if wanted.wake_at else None
    move_session(claim, wanted.state, wanted.reason, cause=wanted.cause, wake_at=wanted.wake_at)
    if wanted.state == SessionState.SLEEPING:
        events.record(claim.job_id, EventType.SLEEPING, wake_at=wake_at, reason=wanted.reason)
        if wanted.is_for_money:
            notices.enqueue(claim.job_id, EventType.SLEEPING)
    if wanted.state == SessionState.BUDGET_EXCEEDED:
        events.record(claim.job_id, EventType.BUDGET_EXCEEDED, wake_at=wake_at, budget_pct=100)
        notices.enqueue(claim.job_id, EventType.BUDGET_EXCEEDED)
    slept = {"slept_after": F("last_position")} if wanted.state in ASLEEP else {}
    write_session(
        claim,
        pause_requested=False,
        sleep_requested=False,
        trouble=wanted.trouble,
        trouble_since=wanted.trouble_since,
        trouble_count=wanted.trouble_count,
        trouble_iteration=F("iteration"),
        trouble_detail=storable(wanted.detail),
        **slept,
    )
    if wanted.wake_at is not None:
        enqueue_agent_run(claim.job_id, at=wanted.wake_at)


def _has_reason_to_go_on(claim: Claim, wanted: Rest) -> bool:
    """Whether something has come since the loop decided to rest, checked under the locks it would need."""
    if wanted.state == SessionState.WAITING_FOR_INPUT:
        lock_job(claim.job_id)  # answers and messages lock it too
        return inbox.has_news(claim.job_id)
    if not wanted.is_for_money:
        return False
    session = AgentSession.objects.get(pk=claim.job_id)
    day = ledger.lock_day_of(session)
    winding_down = is_winding_down(day.spent_microdollars, day.allowance_microdollars)
    return not winding_down and ledger.has_room(session, session.context_tokens)


def _is_suspended(claim: Claim) -> bool:
    return Subscription.objects.filter(user__sessions=claim.job_id, suspended=True).exists()
