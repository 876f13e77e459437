from collections.abc import Callable

import pytest

from escalations.models import AgentEscalation, ErrorSignature
from jobs import clock
from jobs.models import Job

OPTIONS = [
    {"value": "skip_feature", "label": "Leave it out", "description": "Do the rest."},
    {"value": "simpler_version", "label": "Make it simpler", "description": "A plainer one."},
]


@pytest.fixture
def ask(build: Job) -> Callable[..., AgentEscalation]:
    """Ask the founder a question; each has its own signature."""

    def asked(signature: str = "a") -> AgentEscalation:
        return AgentEscalation.objects.create(
            session_id=build.pk,
            job=build,
            project=build.project,
            error_type="code_error",
            error_signature=f"{build.project_id}:code_error:{signature}",
            plain_english_problem="The list does not load.",
            attempts_summary=["Read it in one go", "Read it page by page"],
            recommended_action="Leave the search out for now.",
            options=OPTIONS,
            created_at=clock.now(),
        )

    return asked


@pytest.fixture
def escalation(ask: Callable[..., AgentEscalation]) -> AgentEscalation:
    return ask()


@pytest.fixture
def signature(escalation: AgentEscalation) -> ErrorSignature:
    return ErrorSignature.objects.create(
        project=escalation.project,
        signature=escalation.error_signature,
        category="code_error",
        attempts=[{"what": "a", "error": "b", "cost": 1}],
        escalated_at=clock.now(),
    )
