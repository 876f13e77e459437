"""One run of a build: claim the session, go through the job's stages, leave it finished or at rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from agents.builds import finished_app, rescue, shutdown, transactions
from agents.builds.build_sandbox import BuildSandbox, SavingToolbox
from agents.builds.runner import Context, run_agent_loop
from agents.builds.shutdown import hand_back_if_stopping
from agents.builds.troubles import rest_for, trouble_of
from agents.checkpoint.store import CheckpointStore
from agents.database import in_transaction
from agents.errors import FilesLost, SandboxDenied, SandboxError, SnapshotFailed, Trouble, said_by
from agents.llm.client import AnthropicModel
from agents.models import AgentMessage, AgentSession, Snapshot
from agents.preview import declaration, launch, probe
from agents.preview.promise_checks import CheckResult, run_checks
from agents.prompts import note_text
from agents.sandbox.layout import ROOT
from agents.session import earlier_builds
from agents.session.claim import Cause, Claim, claim, hand_back, has_slept, last_cause, load
from agents.session.rest import Rest, put_to_rest
from agents.stops import ClaimLost, HandBack, InputArrived
from agents.tools import Toolbox
from agents.turns import Block, note
from jobs.database_away import AWAY
from jobs.lifecycle import MoveLost
from jobs.models import EventType, JobStatus
from jobs.promises import Promised
from jobs.verdicts import Verdict

log = structlog.get_logger(__name__)

CHECK_ROUNDS = 3
SANDBOX_PAUSES = (1.0, 3.0, 9.0)  # seconds before each further attempt, without a step in between


async def execute_build(job_id: UUID, run_id: int) -> None:
    """Run the build as far as it goes; end silently when there is nothing for this run to do.

    A run that loses the database ends as if its worker had died: the sweep queues it again.
    """
    try:
        await _execute(job_id, run_id)
    except AWAY:
        log.warning("build.database_away", job_id=str(job_id), exc_info=True)


async def _execute(job_id: UUID, run_id: int) -> None:
    claimed = await in_transaction(claim, job_id, run_id)
    if claimed is None:
        await end_useless_sandbox(job_id)
        return
    with structlog.contextvars.bound_contextvars(job_id=str(job_id), epoch=claimed.epoch):
        log.info("run.claimed")
        session, rows = await in_transaction(load, claimed)
        await Build(claimed, session, rows).run()


async def end_useless_sandbox(job_id: UUID) -> None:
    """Save the files of a failed or cancelled job a last time and end its sandbox."""
    session = await in_transaction(transactions.sandbox_to_end, job_id)
    if session is not None:
        await rescue.save_and_end(session)


class Build:
    """A claimed build. Everything it writes is fenced by the claim."""

    def __init__(self, claim: Claim, session: AgentSession, rows: Sequence[AgentMessage]) -> None:
        self.claim = claim
        self.session = session
        self.job = session.job
        self.sandbox = BuildSandbox(claim, session)
        self.store = CheckpointStore(claim, rows, lambda: self.model.meter.current, hand_back_if_stopping)
        self.model = AnthropicModel(self._waiting_for_provider, self.store)
        self.is_awake = False  # whether this run has told the model how it begins
        self.losses = 0  # of the sandbox, since the transcript last grew
        self.length_at_loss = -1
        self.stages: dict[str, Callable[[], Awaitable[bool]]] = {
            JobStatus.QUEUED: self._start,
            JobStatus.STARTING: self._prepare,
            JobStatus.SCAFFOLD: self._scaffold,
            JobStatus.CODE: self._code,
            JobStatus.DEPS: self._start_app,
            JobStatus.CHECKS: self._check,
        }

    async def run(self) -> None:
        """Go through the stages until the job is over or the session rests; record what went wrong."""
        try:
            while not await self._stage():
                hand_back_if_stopping()
        except (ClaimLost, MoveLost):
            log.info("build.ownership_lost")
        except HandBack:
            await self._hand_back()
        except asyncio.CancelledError:
            # The founder has cancelled the build, or the worker stops and waits no longer.
            if shutdown.is_requested():
                await self._hand_back()
            raise
        except AWAY:
            raise  # the database is away
        except Exception as error:  # noqa: BLE001  # whatever it is, the build only rests
            await self._rest_in_trouble(error)
        finally:
            await self.sandbox.close()
            await self.model.close()

    async def _hand_back(self) -> None:
        with suppress(ClaimLost):
            await in_transaction(hand_back, self.claim)

    async def _stage(self) -> bool:
        """Do the job's next stage; if it loses its sandbox, it is repeated in another one."""
        try:
            return await self.stages[self.job.status]()
        except (SandboxDenied, SnapshotFailed):
            raise  # another attempt changes nothing, and what is in the sandbox can still be saved
        except SandboxError as error:
            # Also taken: either a newer worker has it, and the next write ends this run, or the agent has
            # deleted our files there.
            log.warning("build.sandbox_lost", error=repr(error), said=said_by(error))
            await self.sandbox.discard()
            if self._loses_too_often():
                raise
            await asyncio.sleep(SANDBOX_PAUSES[self.losses - 1])
            return False
        except FilesLost:
            await self.sandbox.discard()
            rest, rows = await in_transaction(transactions.ask_about_lost_files, self.claim)
            self.store.append_rows(rows)
            return await self._is_at_rest(rest)

    def _loses_too_often(self) -> bool:
        length = self.store.length
        self.losses = self.losses + 1 if length == self.length_at_loss else 1
        self.length_at_loss = length
        return self.losses > len(SANDBOX_PAUSES)

    async def _rest_in_trouble(self, error: Exception) -> None:
        """Let the session sleep, and try again later: nothing but its founder's wish ends a build."""
        trouble = trouble_of(error)
        if trouble == Trouble.DEFECT:
            log.exception("build.defect")
        try:
            rest = await in_transaction(rest_for, self.claim, trouble, said_by(error))
            try:
                await self.sandbox.save_and_pause()
            except Exception:  # the trouble may be there: the sandbox pauses itself after its lifetime
                log.warning("build.not_saved", exc_info=True)
            await in_transaction(put_to_rest, self.claim, rest)
        except (ClaimLost, MoveLost):
            log.info("build.ownership_lost")

    async def _move(self, to: JobStatus, message: str, **fields: Any) -> None:
        await in_transaction(transactions.advance, self.claim, self.job, to, message, **fields)

    # The stages, in order. Each returns whether the run is over.

    async def _start(self) -> bool:
        await self._move(JobStatus.STARTING, "Reading your brief")
        return False

    async def _prepare(self) -> bool:
        await in_transaction(transactions.prepare_session, self.claim, self.session)
        await self._move(JobStatus.SCAFFOLD, "Setting up the workshop")
        return False

    async def _scaffold(self) -> bool:
        await self.sandbox.workspace()
        await self._move(JobStatus.CODE, "Building", workspace_path=ROOT)
        return False

    async def _code(self) -> bool:
        """The loop. When the agent is finished, the checks follow; when it rests, the run ends."""
        if self.session.goes_back_to_id is not None and self.store.is_empty:
            await self.sandbox.workspace()
            return await self._finished()
        notes = await self._opening_notes()
        while True:
            rest = await run_agent_loop(await self._context(), notes)
            if rest is None:
                return await self._finished()
            if await self._is_at_rest(rest):
                return True
            notes = []

    async def _finished(self) -> bool:
        await self._move(JobStatus.DEPS, "Starting the app")
        return False

    async def _start_app(self) -> bool:
        """Take the final snapshot, and start the app as declared."""
        workspace = await self.sandbox.workspace()
        await self.sandbox.save(Snapshot.Reason.FINAL)
        url, status = await launch.bring_up(workspace)  # if it does not start, the checks say why
        await in_transaction(transactions.app_started, self.claim, self.job, url, status)
        return False

    async def _check(self) -> bool:
        """Run the declared checks: ready when all pass, otherwise back to the agent with what failed."""
        promised = await in_transaction(transactions.promises_to_check, self.job)
        results = await self._results(promised)
        await in_transaction(transactions.record_checks, self.claim, results)
        failures = [result for result in results if result.verdict == Verdict.NOT_KEPT]
        if not failures:
            told = await in_transaction(transactions.finish, self.claim, self.job, promised)
            if told is not None:
                self.store.append_rows(told)
                return False
            await in_transaction(
                finished_app.look_after_later, self.job.pk, datetime.now(UTC) + finished_app.idle_limit()
            )
            return True
        rest, rows = await in_transaction(
            transactions.back_to_code, self.claim, self.job, failures, CHECK_ROUNDS
        )
        self.is_awake = True  # that note says how the agent goes on: nothing of its work was interrupted
        self.store.append_rows(rows)
        return rest is not None and await self._is_at_rest(rest)

    # Shared by the stages

    async def _opening_notes(self) -> list[Block]:
        await self.sandbox.workspace()
        goes_on, self.is_awake = self.is_awake, True
        if self.store.is_empty:
            has_files = await in_transaction(earlier_builds.has_files, self.job)
            return [note("start", note_text("start", is_new=not has_files))]
        reasons = []
        if has_slept(self.claim, self.session) and not goes_on:
            reasons.append(AWAKE[await in_transaction(last_cause, self.claim)])
        if self.sandbox.take_replaced():
            reasons.append(NEW_SANDBOX)
        if not reasons:
            return [] if goes_on else [note("resumed", note_text("resumed"))]
        return [note("wake", note_text("wake", reason=" ".join(reasons), restored=self.sandbox.restored))]

    async def _context(self) -> Context:
        toolbox = Toolbox(await self.sandbox.workspace())
        return Context(
            session=self.session,
            store=self.store,
            model=self.model,
            toolbox=SavingToolbox(toolbox, self.sandbox),
            tools=toolbox.definitions(),
            is_complete=self._is_complete,
        )

    async def _is_at_rest(self, rest: Rest) -> bool:
        """Save, pause the sandbox and let the session rest; False when something has come to go on for."""
        await self.sandbox.save_and_pause()
        try:
            await in_transaction(put_to_rest, self.claim, rest)
        except InputArrived:
            return False
        return True

    async def _results(self, promised: Sequence[Promised]) -> list[CheckResult]:
        """Run the checks with the app running; if it does not start, that is the only result."""
        workspace = await self.sandbox.workspace()
        try:
            declared = await declaration.declaration(workspace)
            if (await probe.ask(workspace.host(declared.port))).http_status is None:
                await launch.start_app(workspace, declared)
        except declaration.PreviewError as error:
            return [CheckResult("the app starts", "", ok=False, output=str(error), duration_ms=0)]
        return await run_checks(workspace, promised, declared, in_rehearsal=settings.REHEARSED_MODEL)

    async def _is_complete(self) -> bool:
        """Whether everything promised is built, started and checked, at no cost to the budget."""
        promised = await in_transaction(transactions.promises_to_check, self.job)
        return all(result.verdict != Verdict.NOT_KEPT for result in await self._results(promised))

    async def _waiting_for_provider(self, reason: str, attempt: int) -> None:
        await in_transaction(
            transactions.record, self.claim, EventType.PROVIDER_WAIT, reason=reason, attempt=attempt
        )


AWAKE = {
    Cause.NEW_DAY: "A new day has begun, with a new budget.",
    Cause.MONEY: "There is more money for today.",
    Cause.ASKED: "You were woken before your time; today's budget is as it was.",
    Cause.TROUBLE: "Something outside of your work did not answer, and you slept meanwhile.",
}
NEW_SANDBOX = (
    "The sandbox was lost and replaced by a new one. Its files are those of the last snapshot, which may "
    "lack the latest changes; nothing that you had started runs any more."
)
