"""Writes the effects of tool results to the database: the plan, narration, documents, questions."""

from collections.abc import Sequence
from functools import singledispatch
from hashlib import sha256
from typing import Any

from agents.models import AgentSession, BuildDocument
from agents.notifications import notices
from agents.tool_effects import Asked, Documented, Effect, Narrated, PlanSet
from escalations.models import AgentEscalation
from jobs import clock, events
from jobs.models import EventType, Phase
from jobs.storable import storable


def apply(session: AgentSession, wanted: Sequence[Effect]) -> dict[str, Any]:
    """Write the effects in order, inside the caller's transaction; returns the session's changed fields."""
    changes: dict[str, Any] = {}
    for effect in wanted:
        changes |= _write(effect, session)
    return changes


@singledispatch
def _write(effect: Effect, session: AgentSession) -> dict[str, Any]:
    raise TypeError(f"{effect!r} is not an effect.")


@_write.register
def _plan(effect: PlanSet, session: AgentSession) -> dict[str, Any]:
    """Replace the planned phases; phases that are done or under way stay as they are."""
    phases = storable(effect.phases)
    begun = list(session.job.phases.exclude(status=Phase.Status.PLANNED))
    names = {phase.name for phase in begun}
    session.job.phases.filter(status=Phase.Status.PLANNED).delete()
    fresh = [(name, goal) for name, goal in phases if name not in names]
    last = max((phase.position for phase in begun), default=0)
    Phase.objects.bulk_create(
        Phase(job_id=session.job_id, position=position, name=name, goal=goal)
        for position, (name, goal) in enumerate(fresh, start=last + 1)
    )
    return {}


@_write.register
def _narration(effect: Narrated, session: AgentSession) -> dict[str, Any]:
    phase = storable(effect.phase_name) or session.current_phase
    begins = phase != session.current_phase
    if begins:
        complete_phase(session)
        _begin_phase(session, phase)
        session.current_phase = phase
    events.record(session.job_id, EventType.AGENT_NARRATION, text=effect.message, phase=phase)
    return {"current_phase": phase, "tool_calls": 0} if begins else {}


def complete_phase(session: AgentSession) -> None:
    """Mark the phases under way as done."""
    for phase in session.job.phases.filter(status=Phase.Status.WORKING):
        phase.status, phase.completed_at = Phase.Status.DONE, clock.now()
        phase.save(update_fields=["status", "completed_at"])
        events.record(session.job_id, EventType.PHASE_COMPLETED, phase=phase.name, position=phase.position)


def _begin_phase(session: AgentSession, name: str) -> None:
    """Begin the phase with this name; add it if the plan does not have it."""
    phase = session.job.phases.filter(name=name).first()
    if phase is None:
        last = session.job.phases.last()
        phase = Phase(job_id=session.job_id, position=last.position + 1 if last else 1, name=name)
    phase.status, phase.started_at, phase.completed_at = Phase.Status.WORKING, clock.now(), None
    phase.save()
    events.record(session.job_id, EventType.PHASE_STARTED, phase=name, position=phase.position)


@_write.register
def _document(effect: Documented, session: AgentSession) -> dict[str, Any]:
    BuildDocument.objects.update_or_create(
        job_id=session.job_id,
        section=effect.section,
        defaults={"content": storable(effect.content), "updated_at": clock.now()},
    )
    events.record(session.job_id, EventType.DOCUMENTATION_UPDATED, section=effect.section)
    return {}


@_write.register
def _question(effect: Asked, session: AgentSession) -> dict[str, Any]:
    """One pending question per job and signature; the same question asked again changes nothing."""
    digest = sha256(storable(effect.problem).strip().lower().encode()).hexdigest()[:16]
    escalation, is_new = AgentEscalation.objects.get_or_create(
        job_id=session.job_id,
        error_signature=f"{session.job.project_id}:{effect.error_type}:{digest}",
        status=AgentEscalation.Status.PENDING,
        defaults={
            "session_id": session.job_id,
            "project_id": session.job.project_id,
            "error_type": effect.error_type,
            "plain_english_problem": storable(effect.problem),
            "recommended_action": storable(effect.recommended_action),
            "options": storable(effect.options),
            "created_at": clock.now(),
        },
    )
    if is_new:
        events.record(
            session.job_id,
            EventType.WAITING_FOR_INPUT,
            escalation_id=str(escalation.pk),
            problem=storable(effect.problem),
        )
        notices.enqueue(session.job_id, EventType.WAITING_FOR_INPUT)
    return {}
