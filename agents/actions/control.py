"""What a person may do with a build: wake, pause, resume, put to sleep, cancel, retry, write to the agent.

Each is one transaction with the locks of `agents.session.locks`. What the state does not allow raises
`Conflict`.
"""

from typing import Any

import structlog
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from procrastinate.contrib.django import app

from agents.actions.start import start_build
from agents.budget import ledger, subscriptions
from agents.budget.wake_time import wake_time_of
from agents.models import ASLEEP, PAUSED_AT_ONCE, AgentSession, SessionState, SpendEntry
from agents.session.locks import lock_days, lock_session
from agents.session.state import move, publish_state
from escalations.answers import skip_open
from jobs import briefs, clock, events, lifecycle
from jobs.errors import CofounderError, Conflict
from jobs.models import EventType, FounderMessage, Job, JobStatus
from jobs.queue import enqueue_agent_run

log = structlog.get_logger(__name__)

MESSAGE_LIMIT = 10_000


@transaction.atomic
def wake(job: Job, by: AbstractUser | None) -> None:
    """Let a sleeping agent go on now. If the day's money is used, it goes back to sleep."""
    session = _locked(job)
    if session.state not in ASLEEP:
        raise Conflict(f"Only a sleeping agent can be woken; this one is {_now(session)}.")
    moment = clock.now()
    AgentSession.objects.filter(pk=session.pk).update(wake_at=moment)
    publish_state(session.pk, SessionState(session.state), moment)
    enqueue_agent_run(session.pk)
    _log("woken", session, by)


@transaction.atomic
def pause(job: Job, by: AbstractUser | None) -> AgentSession:
    """Pause the agent: after its current step when it works, otherwise at once. Returns its session.

    Checks that run already run to their end; when they pass, there is nothing left to pause.
    """
    session = _locked(job)
    if session.state == SessionState.WORKING:
        AgentSession.objects.filter(pk=session.pk).update(pause_requested=True, sleep_requested=False)
    elif session.state in PAUSED_AT_ONCE:
        move(session, SessionState.PAUSED, _sentence("Paused", session, by), wake_at=None)
    else:
        raise Conflict(f"This build cannot be paused: it is {_now(session)}.")
    _log("paused", session, by)
    return session


@transaction.atomic
def resume(job: Job, by: AbstractUser | None) -> None:
    """Let a paused agent go on, or take back a pause that has not begun yet."""
    session = _locked(job)
    subscriptions.require_subscription(session.user_id)  # a suspended one does not go on
    if session.state == SessionState.WORKING and session.pause_requested:
        AgentSession.objects.filter(pk=session.pk).update(pause_requested=False, sleep_requested=False)
    elif session.state == SessionState.PAUSED:
        move(session, SessionState.QUEUED, _sentence("Resumed", session, by), pause_requested=False)
        enqueue_agent_run(session.pk)
    else:
        raise Conflict(f"Only a paused build can be resumed; this one is {_now(session)}.")
    _log("resumed", session, by)


@transaction.atomic
def sleep(job: Job, by: AbstractUser | None) -> None:
    """Let the agent sleep until its next day: after its current step when it works, otherwise at once."""
    session = _locked(job)
    if session.state == SessionState.WORKING:
        AgentSession.objects.filter(pk=session.pk).update(pause_requested=True, sleep_requested=True)
    elif session.state == SessionState.QUEUED:
        wake_at = wake_time_of(session)
        reason = _sentence("Put to sleep", session, by)
        move(session, SessionState.SLEEPING, reason, wake_at=wake_at)
        at = wake_at.isoformat() if wake_at else None
        events.record(session.pk, EventType.SLEEPING, wake_at=at, reason=reason)
        if wake_at is not None:
            enqueue_agent_run(session.pk, at=wake_at)
    else:
        raise Conflict(f"Only an agent at work can be put to sleep; this one is {_now(session)}.")
    _log("put_to_sleep", session, by)


@transaction.atomic
def cancel(job: Job, by: AbstractUser | None) -> None:
    """End the build. The new epoch refuses what a running worker still writes."""
    _lock_days(job)
    session = _locked(job)
    if session.job.is_over:
        raise Conflict(f"This build is over already: it is {_status(session.job)}.")
    run_id = session.run_id
    reason = _sentence("Stopped", session, by)
    ledger.release_all_of(session.pk)
    lifecycle.move(session.job, JobStatus.CANCELLED, reason)
    move(
        session,
        SessionState.CANCELLED,
        reason,
        epoch=session.epoch + 1,
        run_id=None,
        wake_at=None,
        pause_requested=False,
    )
    skip_open(session.pk)
    if run_id is not None:
        app.job_manager.cancel_job_by_id(run_id, abort=True)
    enqueue_agent_run(session.pk)  # this run saves the files and ends the sandbox
    _log("cancelled", session, by)


@transaction.atomic
def retry(job: Job, by: AbstractUser | None) -> Job:
    """Build the project of a failed or stopped build again; returns the new build."""
    old = Job.objects.select_related("project__owner").get(pk=job.pk)
    if old.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise Conflict(f"Only a failed or stopped build can be tried again; this one is {_status(old)}.")
    new, _ = start_build(old.project, goal=old.goal)
    _log("retried", new.session, by)
    return new


@transaction.atomic
def send_message(job: Job, text: Any, by: AbstractUser | None) -> FounderMessage:
    """Store the founder's message for the agent's next turn; a waiting agent goes on at once."""
    return tell(job, clean_message(text), by)


@transaction.atomic
def tell(job: Job, words: str, by: AbstractUser | None) -> FounderMessage:
    """Store words for the agent's next turn, exactly once; a waiting agent goes on at once."""
    session = _locked(job)
    if session.job.is_over:
        raise Conflict(f"This build is over: it is {_status(session.job)}. Start another one to change it.")
    message = FounderMessage.objects.create(job=session.job, text=words, created_at=clock.now())
    events.record(session.pk, EventType.AGENT_MESSAGE, text=words, author="founder")
    if session.state == SessionState.WAITING_FOR_INPUT:
        move(session, SessionState.QUEUED, "You wrote to me.")
        enqueue_agent_run(session.pk)
    _log("message", session, by)
    return message


def clean_message(text: Any) -> str:
    words = briefs.clean_text(text, "message", MESSAGE_LIMIT)
    if not words:
        raise CofounderError("The message is empty.", field="text")
    return words


def _locked(job: Job) -> AgentSession:
    """The session and its job as they are now, both locked."""
    session = lock_session(job.pk)
    if session is None:
        raise Conflict("This build has no agent yet.")
    return session


def _lock_days(job: Job) -> None:
    """Lock the days on which the session holds or may take money, before its job is locked."""
    reserved = SpendEntry.objects.filter(session=job.pk, status=SpendEntry.Status.RESERVED)
    days = {clock.today(), *reserved.values_list("day", flat=True)}
    lock_days(job.project.owner_id, days)


def _now(session: AgentSession) -> str:
    if session.job.is_over:
        return _status(session.job)
    return SessionState(session.state).name.lower().replace("_", " ")


def _sentence(done: str, session: AgentSession, by: AbstractUser | None) -> str:
    """What was done, and by whom, for the founder."""
    is_own = by is not None and by.pk == session.user_id
    return f"{done}, as you asked." if is_own else f"{done} by the operator of this installation."


def _status(job: Job) -> str:
    return JobStatus(job.status).label.lower()


def _log(action: str, session: AgentSession, by: AbstractUser | None) -> None:
    log.info(f"control.{action}", job_id=str(session.pk), by=str(by.pk) if by is not None else None)
