"""The states of a session: its legal moves, each recorded and published, and reasons to pause."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from agents.models import AgentSession, SessionState
from agents.session import live_keys
from jobs import events
from jobs.errors import Conflict
from jobs.models import EventType

log = structlog.get_logger(__name__)

AS_ASKED = "Paused, as you asked. Resume whenever you like."
SUSPENSION = "suspension"  # a cause, as `move` records it
SUSPENDED = "The subscription is suspended, so I have paused. Nothing is lost: I go on once it is paid."

_S = SessionState
LEGAL_MOVES: dict[SessionState, frozenset[SessionState]] = {
    _S.QUEUED: frozenset({_S.WORKING, _S.SLEEPING, _S.PAUSED, _S.CANCELLED}),
    _S.WORKING: frozenset(_S) - {_S.WORKING},  # queued: its worker stops
    _S.SLEEPING: frozenset({_S.WORKING, _S.PAUSED, _S.CANCELLED}),
    _S.BUDGET_EXCEEDED: frozenset({_S.WORKING, _S.PAUSED, _S.CANCELLED}),
    # An answer lets it work at once, a message puts it into the queue.
    _S.WAITING_FOR_INPUT: frozenset({_S.WORKING, _S.QUEUED, _S.PAUSED, _S.CANCELLED}),
    _S.PAUSED: frozenset({_S.QUEUED, _S.CANCELLED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


class IllegalMove(Exception):
    """A session cannot go from where it is to where it was sent."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"An agent cannot go from {old} to {new}.")


class MoveLost(Conflict):
    """The agent changed its state just now. Please look again."""


def move(
    session: AgentSession, to: SessionState, reason: str = "", *, cause: str = "", **fields: Any
) -> None:
    """Move the session from the state this object holds, set `fields` with it, record and publish it.

    `reason` is for people, `cause` for code that needs it later. Raises `IllegalMove` for a move the
    table does not know, `MoveLost` when the row has another state or epoch than this object.
    """
    old = SessionState(session.state)
    if to not in LEGAL_MOVES[old]:
        raise IllegalMove(old, to)
    changes = {"state": to, **fields}
    with transaction.atomic():
        record_state(session.pk, old.value, to.value, reason, cause)  # first, as it locks the job
        as_known = AgentSession.objects.filter(pk=session.pk, state=old, epoch=session.epoch)
        if as_known.update(**changes) != 1:
            raise MoveLost
        publish_state(session.pk, to, fields.get("wake_at"))
    for name, value in changes.items():
        setattr(session, name, value)


def record_state(job_id: UUID, previous: str, state: str, reason: str, cause: str) -> None:
    payload = {"state": state, "previous": previous, "reason": reason}
    if cause:
        payload["cause"] = cause
    events.record(job_id, EventType.AGENT_STATE, **payload)
    moved = {"job_id": str(job_id), "previous": previous, "state": state}
    transaction.on_commit(partial(log.info, "session.moved", **moved))


def publish_state(job_id: UUID, state: SessionState, wake_at: datetime | None = None) -> None:
    """Write the live key once this commits."""
    transaction.on_commit(partial(live_keys.set_state, job_id, state.value, wake_at))


def reason_to_pause(is_requested: bool) -> str:
    return AS_ASKED if is_requested else ""
