"""Suspending a subscription: the founder's builds pause, and go on when it is lifted."""

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents.models import PAUSED_AT_ONCE, AgentSession, SessionState
from agents.session.locks import lock_under_way
from agents.session.state import SUSPENDED, SUSPENSION, move
from jobs.models import EventType, JobEvent
from jobs.queue import enqueue_agent_run

LIFTED = "The subscription is in order again, so I go on."
# As older versions recorded it; it stays as it is when the wording of `SUSPENDED` changes.
_REASON_BEFORE_CAUSES = (
    "The subscription is suspended, so I have paused. Nothing is lost: I go on once it is paid."
)


@transaction.atomic
def suspend(user: AbstractUser) -> None:
    """Pause the founder's builds: those at work after their current step, the others at once."""
    for session in lock_under_way(user.pk):
        if session.state == SessionState.WORKING:
            AgentSession.objects.filter(pk=session.pk).update(pause_requested=True, sleep_requested=False)
        elif session.state in PAUSED_AT_ONCE:
            move(
                session,
                SessionState.PAUSED,
                SUSPENDED,
                cause=SUSPENSION,
                wake_at=None,
                pause_requested=False,
            )


@transaction.atomic
def lift(user: AbstractUser) -> None:
    """Resume the builds that the suspension has paused."""
    for session in lock_under_way(user.pk):
        if session.state == SessionState.WORKING:
            AgentSession.objects.filter(pk=session.pk).update(pause_requested=False)
        elif session.state == SessionState.PAUSED and _was_paused_by_it(session):
            move(session, SessionState.QUEUED, LIFTED, wake_at=None, pause_requested=False)
            enqueue_agent_run(session.pk)


def _was_paused_by_it(session: AgentSession) -> bool:
    """Whether the move that paused the session names the suspension as its cause.

    Older versions recorded no cause: their moves are recognised by the reason.
    """
    moves = JobEvent.objects.filter(job=session.pk, type=EventType.AGENT_STATE).order_by("-seq")
    last = moves.values_list("payload", flat=True).first() or {}
    return last.get("cause") == SUSPENSION or last.get("reason") == _REASON_BEFORE_CAUSES
