"""Shared by the commands: open questions, their possible answers, and how to answer them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from escalations.answers import PROVIDE_GUIDANCE
from escalations.models import AgentEscalation
from jobs.models import Job

ANSWERED_BY = "manage.py resolve_escalation"


def open_questions(job: Job) -> list[dict[str, Any]]:
    """The job's unanswered questions, oldest first."""
    pending = job.escalations.filter(status=AgentEscalation.Status.PENDING).order_by("created_at")
    return [
        {"id": question.pk, "problem": question.plain_english_problem, "decisions": decisions(question)}
        for question in pending
    ]


def decisions(question: AgentEscalation) -> list[str]:
    values = [option["value"] for option in question.options]
    return values if PROVIDE_GUIDANCE in values else [*values, PROVIDE_GUIDANCE]


def how_to_answer(escalation_id: UUID, choices: Sequence[str]) -> str:
    """A line with the command that answers the question."""
    return f"        answer on the page, or: {ANSWERED_BY} {escalation_id} {'|'.join(choices)}"
