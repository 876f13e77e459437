"""What a build's page shows beside its feed: one set of queries for every view that needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from agents.models import ASLEEP, AgentSession, SessionState
from cofounder.pages.money.today import Money, money_of
from escalations.models import AgentEscalation
from jobs import clock, promises
from jobs.models import BEING_CHECKED, EventType, Job, JobStatus, Phase
from jobs.promises import Promised, same_words
from jobs.verdicts import Verdict, latest_results, verdict_of

QUIET_AFTER = timedelta(minutes=5)  # real time; a working agent reports more often

TONES = {
    SessionState.QUEUED: "waiting",
    SessionState.WORKING: "working",
    SessionState.SLEEPING: "asleep",
    SessionState.WAITING_FOR_INPUT: "needs-you",
    SessionState.PAUSED: "waiting",
    SessionState.BUDGET_EXCEEDED: "alarm",
    SessionState.COMPLETED: "done",
    SessionState.FAILED: "alarm",
    SessionState.CANCELLED: "waiting",
}
RESTING = frozenset({*ASLEEP, SessionState.WAITING_FOR_INPUT, SessionState.PAUSED})


@dataclass(frozen=True)
class PhaseView:
    name: str
    goal: str
    status: str
    label: str
    elapsed: timedelta | None


@dataclass(frozen=True)
class Promise:
    """A must-have of the brief, or a further check; `verdict` is None while there is no result."""

    text: str
    verdict: Verdict | None = None
    in_brief: bool = False
    was_before: bool = False  # an earlier build made it true, and this one has to keep it
    run: str = ""
    output: str = ""
    duration_ms: int = 0


@dataclass(frozen=True)
class Controls:
    """What the founder may do now."""

    wake: bool
    pause: bool
    pausing: bool
    resume: bool
    stop: bool


@dataclass(frozen=True)
class BuildState:
    job: Job
    session: AgentSession | None
    label: str
    tone: str
    money: Money
    phases: list[PhaseView]
    questions: list[AgentEscalation]  # that are open, oldest first
    controls: Controls
    last_heard: datetime | None
    preview_version: int

    @property
    def done(self) -> int:
        return sum(phase.status == Phase.Status.DONE for phase in self.phases)

    @property
    def is_resting(self) -> bool:
        return self.session is not None and self.session.state in RESTING and not self.job.is_over

    @property
    def is_checked(self) -> bool:
        return self.job.status in BEING_CHECKED

    @property
    def pause_words(self) -> str:
        if self.is_resting:
            return "Pause"
        return "Pause after the checks" if self.is_checked else "Pause after this step"

    @property
    def is_asleep(self) -> bool:
        return self.session is not None and self.session.state in ASLEEP and not self.job.is_over

    @property
    def is_quiet(self) -> bool:
        """Whether the agent should be working but has not reported for a while."""
        if self.tone != "working" or self.last_heard is None:
            return False
        return clock.to_real(clock.now()) - clock.to_real(self.last_heard) > QUIET_AFTER

    @property
    def current_phase(self) -> str:
        return self.session.current_phase if self.session and not self.job.is_over else ""

    @property
    def title(self) -> str:
        count = f"({len(self.questions)}) " if self.questions else ""
        return f"{count}{self.job.project.name} · cofounder"

    @property
    def reason(self) -> str:
        """Why a paused agent is paused, as its log says."""
        states = self.job.events.filter(type=EventType.AGENT_STATE, payload__state=SessionState.PAUSED)
        payload = states.order_by("-seq").values_list("payload", flat=True).first()
        return str(payload.get("reason", "")) if payload else ""

    @property
    def stand_ins(self) -> str:
        """What stands in for the model's and for the sandbox's provider."""
        return " ".join(filter(None, (settings.REHEARSAL, settings.LOCAL_SANDBOX)))


def read(job: Job) -> BuildState:
    """The state of one build, in a handful of queries however long its log is."""
    session = AgentSession.objects.filter(pk=job.pk).first()
    label, tone = label_of(job, session)
    return BuildState(
        job=job,
        session=session,
        label=label,
        tone=tone,
        money=money_of(job.project.owner_id),
        phases=[_phase(phase) for phase in job.phases.all()],
        questions=open_questions_of(job),
        controls=controls_of(job, session),
        last_heard=_last_heard(job, session),
        preview_version=_last_seq(job, EventType.PREVIEW_UPDATED),
    )


def open_questions_of(job: Job) -> list[AgentEscalation]:
    pending = job.escalations.filter(status=AgentEscalation.Status.PENDING)
    return list(pending.select_related("project").order_by("created_at", "id"))


def label_of(job: Job, session: AgentSession | None) -> tuple[str, str]:
    """The badge's text and tone: the job's end, else why the agent rests, else the stage of the build."""
    if job.status == JobStatus.READY:
        return job.get_status_display(), "done"
    if job.is_over:
        return job.get_status_display(), "alarm" if job.status == JobStatus.FAILED else "waiting"
    if session is not None and (session.state in RESTING or job.status == JobStatus.CODE):
        return session.get_state_display(), TONES[SessionState(session.state)]
    return job.get_status_display(), "waiting" if job.status == JobStatus.QUEUED else "working"


def controls_of(job: Job, session: AgentSession | None) -> Controls:
    state = session.state if session and not job.is_over else ""
    pausing = bool(state == SessionState.WORKING and session and session.pause_requested)
    return Controls(
        wake=state in ASLEEP,
        pause=bool(state) and state != SessionState.PAUSED and not pausing,
        pausing=pausing,
        resume=state == SessionState.PAUSED or pausing,
        stop=not job.is_over,
    )


def promises_of(job: Job) -> list[Promise]:
    """The brief's must-haves with the evidence of the latest round of checks, then further checks."""
    found = latest_results(job)
    before = {(promised.key, promised.text) for promised in promised_before(job)}
    wanted = [
        Promise(
            promised.text,
            in_brief=True,
            was_before=(promised.key, promised.text) in before,
            **_evidence(found.pop(same_words(promised.text), None)),
        )
        for promised in promises.of_job(job)
    ]
    return wanted + [Promise(str(extra.get("promise", "")), **_evidence(extra)) for extra in found.values()]


def promised_before(job: Job) -> list[Promised]:
    """What the newest finished build before this one had to keep."""
    ready = Job.objects.filter(project=job.project_id, status=JobStatus.READY)
    earlier = ready.filter(build_number__lt=job.build_number).select_related("idea_brief")
    last = earlier.order_by("-build_number").first()
    return promises.of_job(last) if last else []


def is_unchecked_change(job: Job) -> bool:
    """Whether no promise speaks of the change that the build is for."""
    before = promised_before(job) if job.goal else []
    return bool(before) and not promises.difference(before, promises.of_job(job)).to_build


@dataclass(frozen=True)
class Tally:
    """What a finished build may say of its promises."""

    kept: int
    not_judged: int
    promised: int


def tally_of(promises: Sequence[Promise]) -> Tally:
    """Those of the brief, and whatever else was not judged (the change that a rehearsed build is for)."""
    not_judged = [promise for promise in promises if promise.verdict == Verdict.NOT_JUDGED]
    promised = [promise for promise in promises if promise.in_brief or promise in not_judged]
    kept = [promise for promise in promised if promise.verdict == Verdict.KEPT]
    return Tally(len(kept), len(not_judged), len(promised))


def last_image(job: Job) -> str:
    """The storage name of the newest screenshot."""
    payloads = job.events.filter(type=EventType.TOOL_FINISHED, payload__image__gt="").order_by("-seq")
    payload = payloads.values_list("payload", flat=True).first()
    return str(payload["image"]) if payload else ""


@dataclass(frozen=True)
class Saved:
    """The newest saved copy of the files."""

    files: int
    size: int  # bytes
    at: datetime


def last_saved(job: Job) -> Saved | None:
    saved = job.events.filter(type=EventType.SNAPSHOT_UPDATED, payload__ok=True).order_by("-seq").first()
    if saved is None:
        return None
    return Saved(int(saved.payload.get("files", 0)), int(saved.payload.get("size", 0)), saved.created_at)


def _evidence(payload: dict[str, Any] | None) -> dict[str, Any]:
    if payload is None:
        return {}
    return {
        "verdict": verdict_of(payload),
        "run": str(payload.get("run", "")),
        "output": str(payload.get("output", "")),
        "duration_ms": int(payload.get("duration_ms") or 0),
    }


def _phase(phase: Phase) -> PhaseView:
    until = phase.completed_at or (clock.now() if phase.status == Phase.Status.WORKING else None)
    elapsed = until - phase.started_at if until and phase.started_at else None
    return PhaseView(phase.name, phase.goal, phase.status, phase.get_status_display(), elapsed)


def _last_heard(job: Job, session: AgentSession | None) -> datetime | None:
    last_event = job.events.filter(seq=job.last_seq).values_list("created_at", flat=True).first()
    heard = [moment for moment in (last_event, session and session.last_heard_at) if moment]
    return max(heard, default=None)


def _last_seq(job: Job, event_type: EventType) -> int:
    newest = job.events.filter(type=event_type).order_by("-seq").values_list("seq", flat=True).first()
    return newest or 0
