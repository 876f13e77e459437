"""A build's sandbox: connected and verified before use, saved in the background, paused at the end."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F

from agents.beside import beside
from agents.builds import rescue, transactions
from agents.database import in_transaction
from agents.errors import (
    FilesLost,
    SandboxBusy,
    SandboxError,
    SandboxRequestRefused,
    SandboxUnreachable,
    SnapshotDamaged,
    SnapshotFailed,
    said_by,
)
from agents.models import AgentSession, Snapshot
from agents.preview import launch
from agents.sandbox.workspace import Workspace
from agents.session.claim import Claim, write_session
from agents.snapshots import manifest, restore, save
from agents.snapshots.manifest import Copied
from agents.snapshots.restore import Restored
from agents.stops import ClaimLost
from agents.tools import Toolbox
from agents.turns import Replay, ToolCall, ToolResult
from jobs.database_away import AWAY
from jobs.models import EventType, JobStatus

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0  # seconds between two snapshots
EXTEND_AGAIN_SECONDS = 10.0  # after the provider did not let the sandbox live longer
COUNT_SECONDS = 30.0  # how often the sandbox's time is recorded while it is in use
NOT_SAVED = "The sandbox does not answer as it should at the moment."
MOST_NAMED = 50  # of the files that a snapshot's event names for one reason
NAMED_AS = {"": "databases", Copied.ALONE: "moving", Copied.AS_READ: "as_read"}


def _shown(path: str) -> str:
    """A path as text; bytes that are not UTF-8 are replaced."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _written_meanwhile(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a snapshot's event says of databases, and of files that were being written."""
    named: dict[str, list[Any]] = {"databases": [], "moving": [], "kept": [], "as_read": []}
    for file in manifest.written_meanwhile(rows):
        path = _shown(file.path)
        if file.copied == Copied.KEPT:
            as_of = datetime.fromtimestamp(file.changed, UTC).isoformat(timespec="seconds")
            named["kept"].append({"path": path, "as_of": as_of})
        else:
            named[NAMED_AS[file.copied]].append(path)
    return {key: files[:MOST_NAMED] for key, files in named.items() if files}


class BuildSandbox:
    def __init__(self, claim: Claim, session: AgentSession) -> None:
        self.claim = claim
        self.session = session
        self.restored: list[str] = []  # what was missing when this run connected
        self._replaced = False
        self._workspace: Workspace | None = None
        self._saving: asyncio.Task[None] | None = None
        self._changed = False
        self._hurry = asyncio.Event()  # set to end the pause between snapshots
        self._extend_at = 0.0  # monotonic seconds
        self._counted_at = 0.0  # monotonic seconds up to which the sandbox's time is recorded
        self._told: tuple[UUID, list[str]] | None = None  # snapshot last reported, files left out

    async def workspace(self) -> Workspace:
        """The sandbox, connected, with its files verified before anyone looks at them."""
        if self._workspace is None:
            self._workspace = await self._connect()
        return self._workspace

    async def _connect(self) -> Workspace:
        job, known = self.session.job, self.session.sandbox_id
        if not known:
            await self._save_build_before()
        workspace = await Workspace.open(
            project_id=job.project_id,
            job_id=job.pk,
            epoch=self.claim.epoch,
            sandbox_id=known,
            envs=await in_transaction(transactions.secrets_of, job),
        )
        self._counted_at = time.monotonic()
        self._replaced = self._replaced or bool(known and workspace.is_new)
        restored = await self._restore(workspace)
        # Only now: a sandbox in the row is one whose files were verified.
        await in_transaction(write_session, self.claim, sandbox_id=workspace.sandbox_id)
        self.session.sandbox_id = workspace.sandbox_id
        if restored is not None:
            self.restored = restored.files
            await in_transaction(
                transactions.record_restored, self.claim, restored.files, restored.snapshot.created_at
            )
            if restored.files and job.status == JobStatus.CODE and job.preview_url:
                # The app could be seen before: what ran is gone, or has lost its files.
                await in_transaction(
                    transactions.show_app, self.claim, job, *await launch.bring_up(workspace)
                )
        return workspace

    async def _restore(self, workspace: Workspace) -> Restored | None:
        """The newest files, or those of the snapshot to go back to while the build has none of its own."""
        job = self.session.job
        goal = await in_transaction(transactions.snapshot_to_go_back_to, self.session)
        if goal is None:
            return await self._restore_newest(workspace)
        restored = await restore.verify_and_restore(workspace, goal)
        await save.take(
            workspace, project_id=job.project_id, job_id=job.pk, reason=Snapshot.Reason.CHECKPOINT
        )
        return restored

    async def _restore_newest(self, workspace: Workspace) -> Restored | None:
        """The last saved files. Raises `FilesLost` if no copy is intact, unless the founder agreed."""
        job = self.session.job
        try:
            restored = await restore.restore_newest(workspace, job.project_id, job.pk)
            if (
                restored is not None
                or not self._replaced
                or not await in_transaction(transactions.has_changed_files, job)
            ):
                return restored
        except SnapshotDamaged as error:
            log.warning("snapshot.none_is_whole", error=str(error))
        if not await in_transaction(transactions.may_go_on_without_files, job):
            raise FilesLost
        return None

    async def _save_build_before(self) -> None:
        try:
            await rescue.save_build_before(self.session.job)
        except (SandboxError, SnapshotFailed, OSError) as error:
            await self._tell_failure(error)

    def take_replaced(self) -> bool:
        """Whether a sandbox was lost and replaced since the last call of this."""
        replaced, self._replaced = self._replaced, False
        return replaced

    async def keep_alive(self) -> None:
        """Give the sandbox another lifetime while it is in use, long before it would pause itself."""
        if self._workspace is None or time.monotonic() <= self._extend_at:
            return
        pause = settings.SANDBOX_LIFETIME_SECONDS / 4
        try:
            await self._workspace.extend()
        except (SandboxBusy, SandboxUnreachable, SandboxRequestRefused) as error:
            # There is time left to ask again. One that has lived as long as any may is paused at its end,
            # which the next command notices, and begins a new life with the next connection.
            log.warning("sandbox.not_extended", error=repr(error), said=said_by(error))
            pause = min(pause, EXTEND_AGAIN_SECONDS)
        self._extend_at = time.monotonic() + pause

    async def record_usage(self, *, at_least: float = COUNT_SECONDS) -> None:
        """Add the sandbox's time in use to the session, once it is at least this many seconds."""
        seconds = int(time.monotonic() - self._counted_at)
        if self._workspace is not None and seconds >= at_least:
            self._counted_at += seconds
            added = F("sandbox_seconds") + seconds
            await in_transaction(write_session, self.claim, sandbox_seconds=added)

    async def renew_secrets(self) -> None:
        """Use the current secrets from the next command on."""
        if self._workspace is not None:
            await self._workspace.use_secrets(await in_transaction(transactions.secrets_of, self.session.job))

    # Saving

    def files_changed(self) -> None:
        """Save soon, in the background; changes during one snapshot share the next."""
        self._changed = True
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save_until_quiet())

    async def _save_until_quiet(self) -> None:
        """However often files change, at most half of the time is spent saving them."""
        while self._changed:
            self._changed = False
            began = time.monotonic()
            await self.save(Snapshot.Reason.CHECKPOINT)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), min(time.monotonic() - began, LONGEST_PAUSE))

    async def save(self, reason: Snapshot.Reason) -> None:
        """Take a snapshot. A failure is shown to the founder and never stops the agent."""
        if self._workspace is None:
            return
        job = self.session.job
        try:
            snapshot = await save.take(
                self._workspace, project_id=job.project_id, job_id=job.pk, reason=reason
            )
        except (SnapshotFailed, SandboxError, OSError) as error:
            await self._tell_failure(error)
            return
        left_out = [_shown(path) for path in self._workspace.left_out[:MOST_NAMED]]
        if snapshot is not None and (snapshot.pk, left_out) != self._told:
            self._told = snapshot.pk, left_out
            facts: dict[str, Any] = {"ok": True, "files": snapshot.file_count, "size": snapshot.size}
            if left_out:
                facts["left_out"] = left_out
            facts |= await beside(_written_meanwhile, snapshot.manifest)
            await in_transaction(transactions.record, self.claim, EventType.SNAPSHOT_UPDATED, **facts)

    async def _tell_failure(self, error: Exception) -> None:
        log.warning("snapshot.failed", said=said_by(error), exc_info=True)
        message = str(error) if isinstance(error, SnapshotFailed) else NOT_SAVED
        facts = {"ok": False, "files": 0, "size": 0, "message": message}
        await in_transaction(transactions.record, self.claim, EventType.SNAPSHOT_UPDATED, **facts)

    async def save_and_pause(self) -> None:
        """Save everything and pause the sandbox: the session is about to rest."""
        await self._settle()
        if self._workspace is None:
            return
        await self.save(Snapshot.Reason.SLEEP)
        with suppress(SandboxError):  # a sandbox that cannot be paused now pauses itself after its lifetime
            await self._workspace.pause()
        await self.record_usage(at_least=1)
        self._workspace = None

    async def _settle(self) -> None:
        """Wait for a snapshot in progress, whether it succeeds or not."""
        if self._saving is not None:
            self._changed = False
            self._hurry.set()
            await asyncio.wait([self._saving])
            self._hurry.clear()
            if not self._saving.cancelled() and (error := self._saving.exception()):
                log.warning("snapshot.stopped", error=repr(error))
            self._saving = None

    async def close(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await self._settle()
        # A failure to record the time must not hide why the run ends.
        with suppress(ClaimLost, *AWAY):
            await self.record_usage(at_least=1)

    async def discard(self) -> None:
        """Drop a sandbox that no longer works; the next use reopens it, or opens another one."""
        await self.close()
        self._workspace = None


class SavingToolbox:
    """A toolbox that saves changed files in the background and keeps the sandbox alive."""

    def __init__(self, toolbox: Toolbox, sandbox: BuildSandbox) -> None:
        self._toolbox = toolbox
        self._sandbox = sandbox

    def label(self, call: ToolCall) -> str:
        return self._toolbox.label(call)

    def replay(self, name: str) -> Replay:
        return self._toolbox.replay(name)

    async def run(self, call: ToolCall) -> ToolResult:
        await self._sandbox.keep_alive()
        await self._sandbox.record_usage()
        await self._sandbox.renew_secrets()
        result = await self._toolbox.run(call)
        if result.changed_files:
            self._sandbox.files_changed()
        return result
