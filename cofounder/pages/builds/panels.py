"""Which panels of the build page an event can have changed, so that a busy build does not redraw them all.

What no event tells (a phase's elapsed time, the day's money in the chart) follows with the next full update,
which a page asks for once a minute and after each action of its founder.
"""

from collections.abc import Iterable

from jobs.models import EventType, JobEvent

ALL = frozenset({"preview", "phases", "promises", "spending", "files", "documents", "filter"})
CHANGED_BY = {
    EventType.PHASE_STARTED: {"phases", "filter", "spending"},
    EventType.PHASE_COMPLETED: {"phases", "spending"},
    EventType.CHECK_FINISHED: {"promises"},
    EventType.DOCUMENTATION_UPDATED: {"documents"},
    EventType.SNAPSHOT_UPDATED: {"files"},
    EventType.PREVIEW_UPDATED: {"preview"},
    EventType.AGENT_STATE: {"preview", "spending"},
    EventType.JOB_STATUS: ALL,
}


def changed_by(events: Iterable[JobEvent]) -> frozenset[str]:
    return frozenset[str]().union(*map(_changed_by, events))


def _changed_by(event: JobEvent) -> frozenset[str]:
    if event.type == EventType.TOOL_FINISHED:
        is_plan, is_look = event.payload.get("tool") == "plan", bool(event.payload.get("image"))
        return frozenset({"phases"} if is_plan else {"preview"} if is_look else ())
    return frozenset(CHANGED_BY.get(EventType(event.type), ()))
