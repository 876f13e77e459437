"""What the founder sent since the model's last call: answers to questions, and messages."""

from uuid import UUID

from django.db.models import QuerySet

from agents.prompts import as_data, note_text
from agents.turns import Block, note
from escalations.models import AgentEscalation
from jobs import clock
from jobs.models import FounderMessage


def has_news(job_id: UUID) -> bool:
    """Whether something waits to be delivered."""
    return _answers(job_id).exists() or _messages(job_id).exists()


def take(job_id: UUID) -> list[Block]:
    """Notes for everything not yet delivered, marked as delivered in this transaction."""
    answers = list(_answers(job_id).select_for_update())
    messages = list(_messages(job_id).select_for_update())
    moment = clock.now()
    _answers(job_id).filter(pk__in=[answer.pk for answer in answers]).update(delivered_at=moment)
    _messages(job_id).filter(pk__in=[message.pk for message in messages]).update(delivered_at=moment)
    return [
        *(note("answer", as_data(_answer(answer))) for answer in answers),
        *(note("message", note_text("message", text=as_data(message.text))) for message in messages),
    ]


def decisions(job_id: UUID) -> Block:
    """A note with everything the founder has decided or said so far, word for word."""
    delivered = {"job": job_id, "delivered_at__isnull": False}
    answers = AgentEscalation.objects.filter(**delivered).order_by("resolved_at")
    messages = FounderMessage.objects.filter(**delivered).order_by("created_at")
    said = {
        "answers": [_answer(answer) for answer in answers],
        "messages": [message.text for message in messages],
    }
    return note("decisions", note_text("decisions", said=as_data(said)))


def has_pending_questions(job_id: UUID) -> bool:
    return AgentEscalation.objects.filter(job=job_id, status=AgentEscalation.Status.PENDING).exists()


def _answers(job_id: UUID) -> QuerySet[AgentEscalation]:
    return AgentEscalation.objects.filter(
        job=job_id, status=AgentEscalation.Status.RESOLVED, delivered_at__isnull=True
    ).order_by("resolved_at")


def _messages(job_id: UUID) -> QuerySet[FounderMessage]:
    return FounderMessage.objects.filter(job=job_id, delivered_at__isnull=True).order_by("created_at")


def _answer(answer: AgentEscalation) -> dict[str, str]:
    return {
        "problem": answer.plain_english_problem,
        "decision": answer.founder_decision,
        "guidance": answer.founder_guidance,
    }
