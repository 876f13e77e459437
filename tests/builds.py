"""Builds in the states that pages show."""

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from escalations.models import AgentEscalation
    from jobs.models import Job, Project


@pytest.fixture
def job(project: "Project") -> "Job":
    """A build that has just been requested."""
    from agents.actions.start import start_build

    return start_build(project)[0]


@pytest.fixture
def working_job(job: "Job") -> "Job":
    """A build whose agent is working."""
    from agents.models import AgentSession
    from jobs.models import Job

    Job.objects.filter(pk=job.pk).update(status="code")
    AgentSession.objects.filter(pk=job.pk).update(state="working", current_phase="The list")
    job.refresh_from_db()
    return job


@pytest.fixture
def question(working_job: "Job") -> "AgentEscalation":
    """An open question with two options."""
    from escalations.models import AgentEscalation
    from jobs import clock, events
    from jobs.models import EventType

    asked = AgentEscalation.objects.create(
        pk=UUID("5d66b2ed-c288-4183-b7e4-4d862e67832c"),  # a CSS selector may not begin with a digit
        session_id=working_job.pk,
        job=working_job,
        project=working_job.project,
        error_type="product_decision",
        error_signature="uniforms:sizes",
        plain_english_problem="Should sizes be letters or ages?",
        recommended_action="Ages, as on the label.",
        options=[
            {"value": "ages", "label": "Ages", "description": "5-6, 7-8"},
            {"value": "letters", "label": "Letters", "description": "S, M, L"},
        ],
        created_at=clock.now(),
    )
    events.record(
        working_job.pk,
        EventType.WAITING_FOR_INPUT,
        escalation_id=str(asked.pk),
        problem=asked.plain_english_problem,
    )
    return asked
