"""Which part of a build's log belongs to which phase: from its start to the start of the next one."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from jobs.models import EventType, Job


@dataclass(frozen=True)
class Span:
    """A phase under way: its first event, and the first that is no longer part of it."""

    phase: str
    first: int
    end: int | None


def spans_of(job: Job) -> list[Span]:
    """Every time a phase was under way, in order; a phase that was resumed has several."""
    started = list(
        job.events.filter(type=EventType.PHASE_STARTED).order_by("seq").values_list("payload__phase", "seq")
    )
    ends = [*(seq for _, seq in started[1:]), None]
    return [Span(str(name), seq, end) for (name, seq), end in zip(started, ends, strict=False) if name]


def names(spans: list[Span]) -> list[str]:
    """The phases that have begun, each once, in order."""
    return list(dict.fromkeys(span.phase for span in spans))


def condition(spans: list[Span], phase: str) -> Q:
    """The events of a phase; every event when no phase is asked for or none of that name has begun."""
    asked = [span for span in spans if span.phase == phase]
    if not asked:
        return Q()
    return reduce(or_, (Q(seq__gte=span.first) & _before(span.end) for span in asked))


def holds(spans: list[Span], phase: str, seq: int) -> bool:
    """Whether an event is part of a phase, as `condition` has it."""
    asked = [span for span in spans if span.phase == phase]
    return not asked or any(span.first <= seq and (span.end is None or seq < span.end) for span in asked)


def _before(end: int | None) -> Q:
    return Q() if end is None else Q(seq__lt=end)
