"""Saves the files in the sandbox of a build at rest; they may be newer than its last snapshot."""

import structlog

from agents.database import in_transaction
from agents.errors import SandboxError, SandboxGone, SandboxTaken, SnapshotDamaged, SnapshotFailed
from agents.models import AT_WORK, AgentSession, Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots import restore
from agents.snapshots.save import take
from jobs.models import Job, JobStatus

log = structlog.get_logger(__name__)

FINAL = Snapshot.Reason.FINAL


async def save(session: AgentSession) -> Workspace:
    """Restore files that the disk lost while it was paused, and save the newer ones.

    The session's epoch is raised first, so that nobody else works there meanwhile. Raises `SandboxGone` when
    there is nothing to save any more, `SandboxTaken` when an agent is at work there, and `SandboxError` or
    `SnapshotFailed` when it cannot be saved now.
    """
    if not await in_transaction(claim_resting, session):
        raise SandboxTaken
    job = session.job
    workspace = await Workspace.open(
        project_id=job.project_id,
        job_id=job.pk,
        epoch=session.epoch,
        sandbox_id=session.sandbox_id,
        may_create=False,
    )
    try:
        await restore.restore_newest(workspace, job.project_id, job.pk)
    except SnapshotDamaged:
        log.warning("rescue.snapshots_damaged", job_id=str(job.pk))  # only the files on the disk are left
    reason = await in_transaction(_reason, job)
    await take(workspace, project_id=job.project_id, job_id=job.pk, reason=reason)
    return workspace


def _reason(job: Job) -> Snapshot.Reason:
    """A finished build without a final snapshot gets it now: the storage may have failed before."""
    is_missing = job.status == JobStatus.READY and not job.snapshots.filter(reason=FINAL).exists()
    return FINAL if is_missing else Snapshot.Reason.END


async def save_and_end(session: AgentSession) -> bool:
    """Save the sandbox one last time and end it; False when that cannot be done now."""
    try:
        workspace = await save(session)
        if await in_transaction(_forget, session):
            await workspace.kill()
    except SandboxGone:
        await in_transaction(_forget, session)
    except (SandboxError, SnapshotFailed) as error:
        log.warning("rescue.not_ended", job_id=str(session.pk), error=str(error))
        return False
    return True


async def save_build_before(job: Job) -> None:
    """Save what the app of the previous build has written, for this one to start from.

    Raises `SandboxError` and `SnapshotFailed` when that cannot be done now.
    """
    session = await in_transaction(_before, job)
    if session is not None:
        try:
            await save(session)
        except SandboxGone:
            log.info("rescue.gone", job_id=str(session.pk))


def _before(job: Job) -> AgentSession | None:
    """The previous build of the project, if it still has a sandbox."""
    earlier = AgentSession.objects.select_related("job").filter(
        job__project=job.project_id, job__build_number__lt=job.build_number
    )
    newest = earlier.order_by("-job__build_number").first()
    return newest if newest is not None and newest.sandbox_id else None


def claim_resting(session: AgentSession) -> bool:
    """Raise the epoch of a session nobody works on; whether that was possible."""
    resting = AgentSession.objects.filter(pk=session.pk, epoch=session.epoch).exclude(state__in=AT_WORK)
    taken = resting.update(epoch=session.epoch + 1) == 1
    session.epoch += taken
    return taken


def _forget(session: AgentSession) -> bool:
    """Record that the sandbox is gone, unless somebody has claimed the session since."""
    return AgentSession.objects.filter(pk=session.pk, epoch=session.epoch).update(sandbox_id="") == 1
