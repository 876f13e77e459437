"""E-mails to the founder: out of money, a question, ready, failed. Exactly one for each event."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from agents.database import unit
from agents.models import Notice
from jobs import clock
from jobs.models import EventType, JobEvent, JobStatus
from jobs.queue import QUEUE

log = structlog.get_logger(__name__)

NOTIFY = "agents.notify"
TIMEOUT_SECONDS = 10
ORDINARY_NIGHT = timedelta(hours=36)  # with quiet hours; a longer sleep is want of money
SUBJECTS = {
    "money": "{name}: out of money for now",
    "question": "{name}: your co-founder has a question",
    "ready": "{name} is ready",
    "failed": "{name}: the build failed",
}


def mail_for(event_type: str, payload: dict[str, Any], created_at: datetime) -> str | None:
    """Which mail an event is worth; None for the many that are worth none."""
    if event_type == EventType.BUDGET_EXCEEDED:
        return "money"
    if event_type == EventType.WAITING_FOR_INPUT:
        return "question"
    if event_type == EventType.SLEEPING:
        wake_at = _moment(payload)
        is_ordinary = wake_at is not None and wake_at - created_at <= ORDINARY_NIGHT
        return None if is_ordinary else "money"
    if event_type == EventType.JOB_STATUS and payload["status"] in (JobStatus.READY, JobStatus.FAILED):
        return str(payload["status"])
    return None


def queue(job_id: UUID, event_type: EventType) -> None:
    """Queue the mail for the newest event of this type, in the transaction that recorded it."""
    event = JobEvent.objects.filter(job=job_id, type=event_type).order_by("-seq").first()
    if event is not None and mail_for(event.type, event.payload, event.created_at):
        app.configure_task(NOTIFY, queue=QUEUE).defer(job_id=str(job_id), seq=event.seq)


@app.task(name=NOTIFY, queue=QUEUE, retry=RetryStrategy(max_attempts=6, exponential_wait=5))
async def notify(job_id: str, seq: int) -> None:
    """Send the mail for an event, if it was not sent before."""
    await unit(send, UUID(job_id), seq)


def send(job_id: UUID, seq: int) -> bool:
    """Send an event's mail inside the caller's transaction; False when it was sent before.

    Of two at once the second waits at the unique index until the first has committed. A mail that cannot
    be sent undoes the row, so that the next attempt sends it.
    """
    _, is_first = Notice.objects.get_or_create(job_id=job_id, seq=seq, defaults={"sent_at": clock.now()})
    if not is_first:
        return False
    event = JobEvent.objects.select_related("job__project__owner").get(job=job_id, seq=seq)
    mail = mail_for(event.type, event.payload, event.created_at)
    if mail is None:
        return False
    message = message_for(event, mail)
    message.send()
    log.info("notice.sent", job_id=str(job_id), seq=seq, mail=mail)
    return True


def message_for(event: JobEvent, mail: str) -> EmailMessage:
    project = event.job.project
    context = {
        "name": project.name,
        "link": f"{settings.BASE_URL}/builds/{event.job_id}",
        "wake_at": _moment(event.payload),
        **{name: event.payload.get(name, "") for name in ("message", "problem")},
    }
    return EmailMessage(
        subject=" ".join(SUBJECTS[mail].format(name=project.name).split()),  # a subject is one line
        body=render_to_string(f"agents/mail/{mail}.txt", context),
        to=[project.owner.email],
        connection=get_connection(timeout=TIMEOUT_SECONDS),
    )


def _moment(payload: dict[str, Any]) -> datetime | None:
    wake_at = payload.get("wake_at")
    return datetime.fromisoformat(wake_at) if wake_at else None
