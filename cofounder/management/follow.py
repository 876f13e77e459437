"""A build's feed in a terminal: one line per event, with the progress."""

from types import FrameType
from typing import Any, TextIO

from agents.management import questions
from escalations.models import AgentEscalation
from jobs.models import EventType, Job, JobEvent, Phase
from jobs.verdicts import Verdict, verdict_of

LOOK_SECONDS = 0.5
BATCH = 200
VERDICTS = {Verdict.KEPT: "kept", Verdict.NOT_KEPT: "BROKEN", Verdict.NOT_JUDGED: "not judged"}


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Watcher:
    """Prints new events each time it is asked whether the build is over."""

    def __init__(self, job: Job, out: Any) -> None:
        self.job = job
        self.last_seq = 0
        self._out: TextIO = out

    def is_over(self) -> bool:
        """Print new events; return whether no more will come."""
        over = Job.objects.get(pk=self.job.pk).is_over  # before the events, so that none is missed
        while events := list(self.job.events.filter(seq__gt=self.last_seq)[:BATCH]):
            for event in events:
                if line := line_of(event):
                    self._out.write(f"{self._progress():>6}  {line}")
            self.last_seq = events[-1].seq
        return over

    def _progress(self) -> str:
        statuses = list(Phase.objects.filter(job=self.job).values_list("status", flat=True))
        return f"{statuses.count(Phase.Status.DONE)}/{len(statuses)}" if statuses else ""


def line_of(event: JobEvent) -> str:
    """The event in one line; empty for events that a terminal need not show."""
    payload = event.payload
    match event.type:
        case EventType.JOB_STATUS:
            return f"== {payload.get('message') or payload['status']}"
        case EventType.AGENT_NARRATION:
            return str(payload["text"])
        case EventType.AGENT_MESSAGE:
            return " ".join(payload["text"].split())
        case EventType.TOOL_FINISHED:
            return f"   {'·' if payload['ok'] else '!'} {payload['label']}"
        case EventType.PHASE_STARTED:
            return f"-- {payload['phase']}"
        case EventType.CHECK_FINISHED:
            return f"   {VERDICTS[verdict_of(payload)]}: {payload['promise']}"
        case EventType.WAITING_FOR_INPUT:
            return f"?? {payload['problem']}\n{_how_to_answer(payload['escalation_id'])}"
        case EventType.SLEEPING | EventType.BUDGET_EXCEEDED:
            return f"zz asleep until {payload['wake_at']}"
        case EventType.WAKING | EventType.AGENT_ERROR | EventType.PROVIDER_WAIT | EventType.BUILD_PAUSED:
            return f"** {payload.get('reason') or payload.get('message')}"
    return ""


def _how_to_answer(escalation_id: str) -> str:
    question = AgentEscalation.objects.get(pk=escalation_id)
    return questions.how_to_answer(question.pk, questions.decisions(question))
