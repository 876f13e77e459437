"""What the drill does to a build, part by part and in this order."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agents.actions import control
from agents.actions.start import start_build
from agents.budget import reconciliation
from agents.database import in_transaction
from agents.models import ASLEEP, AgentMessage, AgentSession, SessionState, Snapshot, Subscription
from agents.sandbox.workspace import Workspace
from cofounder.config.environment import BASE_DIR
from cofounder.install.demo import BRIEF
from cofounder.install.supervisor import Install
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus

LIMIT_SECONDS = 180.0  # the longest wait for anything
LOOK_SECONDS = 0.1
TURNS = 3  # after which the worker is killed
EMPTY = 'cd "$HOME/app" && find . -mindepth 1 -delete'


class Failed(Exception):
    """A part of the drill did not end as it should."""


@dataclass(frozen=True)
class Result:
    part: str
    ok: bool
    said: str
    seconds: float


class Drill:
    """Every part, in the order in which it happens to the build."""

    def __init__(self, install: Install, say: Callable[[str], None]) -> None:
        self.install = install
        self.say = say
        self.job = _start_build()

    def run(self) -> Iterator[Result]:
        for part in (self.kill_the_worker, self.empty_the_sandbox, self.pass_midnight, self.finish):
            name = part.__name__.replace("_", " ")
            self.say(f"…     {name}")
            began = time.monotonic()
            try:
                ok, said = True, part()
            except Failed as failure:
                ok, said = False, str(failure)
            yield Result(name, ok, said, round(time.monotonic() - began, 1))
            if not ok:
                return

    def kill_the_worker(self) -> str:
        """When a worker dies in the middle of its work, another worker can continue it."""
        self._until(lambda: self._session().iteration >= TURNS, f"{TURNS} turns")
        (worker,) = self.install.processes
        before = self._session()
        if worker.running is not None:
            worker.running.kill()
            worker.running.wait()
        killed = time.monotonic()
        self._until(lambda: self._session().epoch > before.epoch, "another worker to take over")
        seconds = time.monotonic() - killed
        self._until(lambda: self._session().iteration > before.iteration, "its first turn")
        self._need_whole_transcript()
        return f"another worker took over {seconds:.0f} s after the kill; the transcript is whole"

    def empty_the_sandbox(self) -> str:
        """All files are deleted; they are restored before the agent looks at them."""
        self._until(lambda: Snapshot.objects.filter(job=self.job).exists(), "a snapshot")
        control.pause(self.job, None)
        self._until(lambda: self._session().state == SessionState.PAUSED, "the pause")
        saved = (
            Snapshot.objects.filter(job=self.job).order_by("-created_at").values_list("manifest", flat=True)
        )
        files = len(saved[0])
        asyncio.run(_empty(self._session()))
        seq = self.job.events.count()
        control.resume(self.job, None)
        restored = self.job.events.filter(type=EventType.SNAPSHOT_RESTORED, seq__gt=seq)
        self._until(restored.exists, "the files to be restored")
        count = restored.get().payload["count"]
        if count < files:
            raise Failed(f"only {count} of {files} saved entries were restored")
        return f"all {count} saved entries were restored"

    def pass_midnight(self) -> str:
        """The day's money runs out, the agent sleeps without a process, and the new day wakes it once."""
        self._until(lambda: self._session().state in ASLEEP, "the day's money to run out")
        asleep = self._session()
        if asleep.run_id is not None or asleep.wake_at is None:
            raise Failed("the sleeping agent still holds a run, or has no time to wake")
        clock.move(asleep.wake_at - timedelta(seconds=1))
        self._until(lambda: self._session().iteration > asleep.iteration, "the agent to work again")
        woken = self.job.events.filter(type=EventType.WAKING).count()
        if woken != 1:
            raise Failed(f"the agent was woken {woken} times")
        return f"asleep at turn {asleep.iteration}, awake once at {asleep.wake_at:%H:%M} UTC"

    def finish(self) -> str:
        """After all this the build is ready, its promises are kept and its money adds up."""
        self._until(self._is_over, "the build to end")
        self.job.refresh_from_db()
        if self.job.status != JobStatus.READY:
            raise Failed(f"the build ended as {self.job.status}: {self.job.status_message}")
        self._need_whole_transcript()
        numbers = list(self.job.events.order_by("seq").values_list("seq", flat=True))
        if numbers != list(range(1, len(numbers) + 1)):
            raise Failed("the event log has a gap")
        if reconciliation.repair_days(dry_run=True):
            raise Failed("the days do not agree with the ledger")
        kept = self.job.events.filter(type=EventType.CHECK_FINISHED, payload__ok=True).count()
        return f"ready, {kept} checks passed, {len(numbers)} events without a gap, the ledger adds up"

    def _session(self) -> AgentSession:
        return AgentSession.objects.get(pk=self.job.pk)

    def _is_over(self) -> bool:
        return Job.objects.get(pk=self.job.pk).is_over

    def _until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait, keep the processes running and answer questions. Raises `Failed` if it lasts too long."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"waited {LIMIT_SECONDS:.0f} s for {what}")
            if self._is_over() and not condition():
                raise Failed(f"the build ended while waiting for {what}")
            self.install.keep_running()
            _answer_questions(self.job)
            time.sleep(LOOK_SECONDS)

    def _need_whole_transcript(self) -> None:
        """No position is missing, and every tool call has its result, except those under way."""
        rows = list(AgentMessage.objects.filter(session=self.job.pk).values_list("position", "content"))
        if [position for position, _ in rows] != list(range(1, len(rows) + 1)):
            raise Failed("the transcript has a gap")
        under_way = rows[-1][0]
        answered = {
            block["tool_use_id"] for _, content in rows for block in content if "tool_use_id" in block
        }
        asked = {
            block["id"]
            for position, content in rows
            for block in content
            if block["type"] == "tool_use" and position != under_way
        }
        if asked - answered:
            raise Failed("a tool call was left without its result")


def _start_build() -> Job:
    clock.move(clock.next_midnight(clock.now()))
    user = User.objects.create_user("drill@localhost.example")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(user=user, tier_id="bootstrapper", renews_on=renews_on)
    brief = json.loads((BASE_DIR / BRIEF).read_text())
    return start_build(create_project(owner=user, **brief))[0]


def _answer_questions(job: Job) -> None:
    for question in job.escalations.filter(status=AgentEscalation.Status.PENDING):
        resolve(question.pk, decision=question.options[0]["value"], by=job.project.owner)


async def _empty(session: AgentSession) -> None:
    workspace = await Workspace.open(
        project_id=await in_transaction(lambda: session.job.project_id),
        job_id=session.pk,
        epoch=session.epoch,
        sandbox_id=session.sandbox_id,
    )
    await workspace.script(EMPTY)
    await workspace.pause()
