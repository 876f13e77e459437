"""The feed: a job's events as entries of HTML, one template per event type.

An event that ends something (a step, a question) replaces the one that began it: both have the same
key, and the key is the entry's id in the page.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import get_template

from agents.models import BuildDocument
from cofounder.pages.builds import phase_filter
from cofounder.pages.builds.phase_filter import Span
from escalations.models import AgentEscalation
from jobs.models import TERMINAL, EventType, Job, JobEvent, JobStatus

PAGE = 200  # events that are read at once

BEGINS = {EventType.TOOL_CALLED: "call_id", EventType.WAITING_FOR_INPUT: "escalation_id"}
ENDS = {EventType.TOOL_FINISHED: "call_id", EventType.ESCALATION_RESOLVED: "escalation_id"}
KEYED = {**BEGINS, **ENDS}


@dataclass(frozen=True)
class Stretch:
    """Events in order, and whether there are more before or after them."""

    events: list[JobEvent]
    more: bool

    @property
    def first_seq(self) -> int:
        return self.events[0].seq if self.events else 0

    @property
    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else 0


def template_name(event_type: str) -> str:
    return f"feed/{event_type}.html"


def newest(job: Job, before: int | None = None, wanted: Q | None = None) -> Stretch:
    """The last events, or the last ones before a number; all of them, or those that match `wanted`."""
    events = job.events.filter(wanted or Q()).order_by("-seq")
    if before is not None:
        events = events.filter(seq__lt=before)
    found = list(events[: PAGE + 1])
    return Stretch(found[:PAGE][::-1], len(found) > PAGE)


def after(job: Job, seq: int) -> Stretch:
    found = list(job.events.filter(seq__gt=seq).order_by("seq")[: PAGE + 1])
    return Stretch(found[:PAGE], len(found) > PAGE)


def render(job: Job, stretch: Stretch, request: HttpRequest) -> list[str]:
    """The entries of a stretch, without the empty ones."""
    return _rendered(job, _merged(job, stretch), request)


def render_news(job: Job, stretch: Stretch, request: HttpRequest, spans: list[Span], phase: str) -> list[str]:
    """The entries of a stretch for a page that shows a phase, or everything: also what they change there."""
    shown = [event for event in _merged(job, stretch) if phase_filter.holds(spans, phase, event.seq)]
    return _rendered(job, shown + _skipped_questions(job, stretch), request)


def _rendered(job: Job, shown: list[JobEvent], request: HttpRequest) -> list[str]:
    questions = _questions(shown)
    common = {"job": job, "csrf_token": get_token(request), "sections": dict(BuildDocument.Section.choices)}
    entries = (_render_one(event, questions, common) for event in shown if not _is_told_anyway(event))
    return [entry for entry in entries if entry]


def _is_told_anyway(event: JobEvent) -> bool:
    """A message of the agent has an entry of its own; the call that sent it would only repeat it."""
    return event.payload.get("tool") == "narrate" and event.payload.get("ok") is not False


def _render_one(event: JobEvent, questions: dict[str, AgentEscalation], common: dict[str, Any]) -> str:
    context = {
        **common,
        "event": event,
        "payload": event.payload,
        "entry_id": entry_id(event),
        "question": questions.get(str(event.payload.get("escalation_id", ""))),
    }
    return get_template(template_name(event.type)).render(context).strip()


def entry_id(event: JobEvent) -> str:
    return f"entry-{key(event) or event.seq}"


def key(event: JobEvent) -> str:
    """What an event shares with the one that begins or ends the same thing."""
    name = KEYED.get(EventType(event.type))
    return str(event.payload.get(name, "")) if name else ""


def _merged(job: Job, stretch: Stretch) -> list[JobEvent]:
    """One event per key: the ending one, at the place of the beginning one."""
    places: dict[str, JobEvent] = {}
    for event in stretch.events:
        places[key(event) or str(event.seq)] = event
    gone = _ended_later(job, stretch, places)
    return [event for place, event in places.items() if place not in gone]


def _ended_later(job: Job, stretch: Stretch, places: dict[str, JobEvent]) -> set[str]:
    """Keys that end after the stretch, in the part of the page that is already shown."""
    begun = [place for place, event in places.items() if event.type in BEGINS]
    if not begun:
        return set()
    ends = job.events.filter(
        Q(payload__call_id__in=begun) | Q(payload__escalation_id__in=begun),
        type__in=list(ENDS),
        seq__gt=stretch.last_seq,
    )
    return {key(event) for event in ends}


def _skipped_questions(job: Job, stretch: Stretch) -> list[JobEvent]:
    """Questions that the end of the build made unnecessary: their cards are shown again, without buttons."""
    if not any(_is_end(event) for event in stretch.events):
        return []
    skipped = job.escalations.filter(status=AgentEscalation.Status.SKIPPED).values_list("pk", flat=True)
    inside = {key(event) for event in stretch.events}
    ids = [str(pk) for pk in skipped if str(pk) not in inside]
    asked = job.events.filter(type=EventType.WAITING_FOR_INPUT, payload__escalation_id__in=ids)
    return list(asked) if ids else []


def _is_end(event: JobEvent) -> bool:
    return event.type == EventType.JOB_STATUS and event.payload.get("status") in map(JobStatus, TERMINAL)


def _questions(events: list[JobEvent]) -> dict[str, AgentEscalation]:
    ids = {key(event) for event in events if KEYED.get(EventType(event.type)) == "escalation_id"}
    found = AgentEscalation.objects.filter(pk__in=ids).select_related("project")
    return {str(question.pk): question for question in found}
