"""The questions that wait for a founder's answer."""

from django.db.models import QuerySet

from cofounder.models import User
from escalations.models import AgentEscalation


def open_questions_of(user: User) -> QuerySet[AgentEscalation]:
    """What waits for this founder's answer, over all projects, oldest first."""
    return AgentEscalation.objects.filter(
        project__owner=user, status=AgentEscalation.Status.PENDING
    ).order_by("created_at", "id")
