"""What the founder sent since the model's last call: answers to questions, and messages."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from agents.prompts import as_data, note_text
from agents.session.questions import is_stop
from agents.turns import Block, note
from escalations.models import AgentEscalation
from jobs import clock
from jobs.models import FounderMessage


def has_news(job_id: UUID) -> bool:
    """Whether something waits to be delivered."""
    return _answers(job_id).exists() or _messages(job_id).exists()


@dataclass(frozen=True)
class Delivery:
    """What the founder sent, as notes for the model; `is_stop` when they chose to stop here."""

    notes: list[Block] = field(default_factory=list)
    has_answers: bool = False
    is_stop: bool = False


def deliver(job_id: UUID) -> Delivery:
    """Everything not yet delivered; this transaction marks it as delivered."""
    answers = list(_answers(job_id).select_for_update())
    messages = list(_messages(job_id).select_for_update())
    moment = clock.now()
    _answers(job_id).filter(pk__in=[answer.pk for answer in answers]).update(delivered_at=moment)
    _messages(job_id).filter(pk__in=[message.pk for message in messages]).update(delivered_at=moment)
    notes = [
        *(note("answer", as_data(_answer(answer))) for answer in answers),
        *(note("message", note_text("message", text=as_data(message.text))) for message in messages),
    ]
    return Delivery(notes, has_answers=bool(answers), is_stop=any(map(is_stop, answers)))


def decisions(job_id: UUID) -> Block:
    """A note with everything the founder has decided or said so far, word for word."""
    said = said_in(job_id, delivered_at__isnull=False)
    return note("decisions", note_text("decisions", said=as_data(said)))


def said_in(job_id: UUID, **which: Any) -> dict[str, Any]:
    """What the founder answered and wrote in a build, as data."""
    answers = AgentEscalation.objects.filter(job=job_id, status=AgentEscalation.Status.RESOLVED, **which)
    messages = FounderMessage.objects.filter(job=job_id, **which)
    return {
        "answers": [_answer(answer) for answer in answers.order_by("resolved_at")],
        "messages": [message.text for message in messages.order_by("created_at")],
    }


def has_pending_questions(job_id: UUID) -> bool:
    return AgentEscalation.objects.filter(job=job_id, status=AgentEscalation.Status.PENDING).exists()


def _answers(job_id: UUID) -> QuerySet[AgentEscalation]:
    return AgentEscalation.objects.filter(
        job=job_id, status=AgentEscalation.Status.RESOLVED, delivered_at__isnull=True
    ).order_by("resolved_at")


def _messages(job_id: UUID) -> QuerySet[FounderMessage]:
    return FounderMessage.objects.filter(job=job_id, delivered_at__isnull=True).order_by("created_at")


def _answer(answer: AgentEscalation) -> dict[str, Any]:
    """A question and its answer; `meaning` is the text of the option chosen."""
    told: dict[str, Any] = {
        "problem": answer.plain_english_problem,
        "decision": answer.founder_decision,
        "meaning": _meaning(answer),
        "guidance": answer.founder_guidance,
    }
    if answer.secret_names:
        told["environment_variables_now_set"] = answer.secret_names
    return told


def _meaning(answer: AgentEscalation) -> str:
    for option in answer.options:
        if option["value"] == answer.founder_decision:
            return f"{option['label']}: {option['description']}".rstrip(": ")
    return ""
