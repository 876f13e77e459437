"""Shows the app of a finished build: opens its sandbox on demand, verifies its files, pauses it when unused.

Each of these runs in the worker and raises the session's epoch first, so that only one of them works in a
sandbox at a time.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from agents.builds import rescue, transactions
from agents.database import in_transaction
from agents.errors import (
    AgentError,
    SandboxError,
    SandboxRequestRefused,
    SandboxTaken,
    SnapshotDamaged,
    SnapshotFailed,
    said_by,
)
from agents.models import AgentSession, SessionState
from agents.preview import declaration, launch, probe
from agents.preview.probe import STARTING, Status
from agents.sandbox import provider
from agents.sandbox.workspace import Workspace
from agents.session.claim import Claim, write_session
from agents.snapshots import restore
from agents.stops import ClaimLost
from jobs import clock
from jobs.models import EventType, Job, JobStatus
from jobs.queue import ERRANDS

log = structlog.get_logger(__name__)

LOOK_AFTER = "agents.look_after_app"
NOT_NOW = "Your app cannot be opened at the moment. Nothing is lost; please try again in a few minutes."


class NothingToShow(AgentError):
    """The files of this version are gone: neither its sandbox nor a saved copy is there."""


class FilesDamaged(AgentError):
    """The saved files of this version are damaged, so it cannot be shown."""


# Asking the queue


def look_after_later(job_id: UUID, moment: datetime) -> None:
    """Have a worker keep the app awake or pause it at this real time. Asking twice is harmless."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        key = f"look after {job_id}"
        task = app.configure_task(LOOK_AFTER, queue=ERRANDS, schedule_at=moment, queueing_lock=key)
        task.defer(job_id=str(job_id))


# Opening


async def open_app(job_id: UUID) -> datetime | None:
    """Start the app, recording each step in the build's log.

    Returns the real time of the next look; None when it could not be opened, or somebody else does it.
    """
    session = await in_transaction(_claim_resting, job_id)
    if session is None:
        return None
    claim = Claim(job_id, session.epoch, session.state)
    try:
        url = await _bring_up(claim, session)
        await in_transaction(_record_url, claim, url)
    except (ClaimLost, SandboxTaken):
        log.info("showing.ownership_lost", job_id=str(job_id))
        return None
    except AgentError as error:
        log.warning("showing.failed", job_id=str(job_id), said=said_by(error), exc_info=True)
        is_outside = isinstance(error, (SandboxError, SnapshotFailed))
        await in_transaction(_record, claim, Status.DOWN, message=NOT_NOW if is_outside else str(error))
        return None
    return datetime.now(UTC) + idle_limit()


async def _bring_up(claim: Claim, session: AgentSession) -> str:
    job = session.job
    workspace = await Workspace.open(
        project_id=job.project_id,
        job_id=job.pk,
        epoch=claim.epoch,
        sandbox_id=session.sandbox_id,
        envs=await in_transaction(transactions.secrets_of, job),
    )
    await in_transaction(write_session, claim, sandbox_id=workspace.sandbox_id)
    try:
        restored = await restore.restore_newest(workspace, job.project_id, job.pk)
    except SnapshotDamaged as error:
        raise FilesDamaged from error
    if restored is not None:
        await in_transaction(
            transactions.record_restored, claim, restored.files, restored.snapshot.created_at
        )
    elif workspace.is_new:
        raise NothingToShow
    declared = await declaration.declaration(workspace)
    url = workspace.host(declared.port)
    if (await probe.ask(url)).http_status is None:
        await in_transaction(_record, claim, STARTING, message="Starting the app")
        await launch.start_app(workspace, declared)
    return url


# Keeping awake, or pausing


async def keep_awake_or_pause(job_id: UUID) -> datetime | None:
    """Keep an app awake that was opened recently; otherwise save what it wrote and pause its sandbox.

    A sandbox that pauses itself may lose what was written last. Returns the real time of the next look, also
    when it could not be saved now; None once it is paused.
    """
    session = await in_transaction(_finished, job_id)
    if session is None or not session.sandbox_id:
        return None
    try:
        used = _used_at(session)
        if used and datetime.now(UTC) - used < idle_limit() and await _lives_on(session.sandbox_id):
            is_up = (await probe.ask(session.job.preview_url)).http_status is not None
            return used + idle_limit() if is_up else await open_app(job_id)
        await (await rescue.save(session)).pause()
    except (SandboxError, SnapshotFailed) as error:
        log.warning("showing.not_looked_after", job_id=str(job_id), error=repr(error))
        return datetime.now(UTC) + idle_limit() if error.retryable else None
    return None


async def _lives_on(sandbox_id: str) -> bool:
    """Give it another lifetime; False when it has lived as long as any may, so that it is saved instead."""
    try:
        await provider.extend(sandbox_id)
    except SandboxRequestRefused:
        return False
    return True


def idle_limit() -> timedelta:
    """How long an unused app stays awake: less than its sandbox's lifetime, to leave time to save it."""
    return timedelta(seconds=settings.SANDBOX_LIFETIME_SECONDS / 2)


def _used_at(session: AgentSession) -> datetime | None:
    """When the app was last opened, in real time."""
    return clock.to_real(session.sandbox_used_at) if session.sandbox_used_at else None


# Units of work


def _claim_resting(job_id: UUID) -> AgentSession | None:
    """Claim the finished session with a new epoch; None when there is none, or somebody else claims it."""
    session = _finished(job_id)
    if session is None or not rescue.claim_resting(session):
        return None
    _record(Claim(job_id, session.epoch, session.state), STARTING, message="Waking the app up")
    return session


def _finished(job_id: UUID) -> AgentSession | None:
    sessions = AgentSession.objects.select_related("job__project")
    return sessions.filter(pk=job_id, state=SessionState.COMPLETED, job__status=JobStatus.READY).first()


def _record(claim: Claim, status: str, url: str = "", message: str = "") -> None:
    said = {"message": message} if message else {}
    transactions.record(claim, EventType.PREVIEW_UPDATED, url=url, status=str(status), **said)


def _record_url(claim: Claim, url: str) -> None:
    Job.objects.filter(pk=claim.job_id).update(preview_url=url)
    _record(claim, Status.ANSWERS, url)
