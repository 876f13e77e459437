"""Notifications for a founder: which events are worth one. Each is sent once per channel."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from agents.models import Notice, NotificationSettings
from escalations.models import AgentEscalation
from jobs import clock, verdicts
from jobs.models import EventType, JobEvent, JobStatus
from jobs.queue import NEWS

NOTIFY = "agents.notify"  # by mail
CALL_WEBHOOK = "agents.call_webhook"
TASKS = {Notice.Channel.MAIL: NOTIFY, Notice.Channel.WEBHOOK: CALL_WEBHOOK}
RETRY = RetryStrategy(max_attempts=6, exponential_wait=5)  # the last attempt is about an hour later
ORDINARY_NIGHT = timedelta(
    hours=36
)  # including quiet hours; a longer sleep means that the period's money is used


class Kind(StrEnum):
    QUESTION = "question"
    READY = "ready"
    FAILED = "failed"
    MONEY = "money"


HEADLINES = {
    Kind.QUESTION: "{project}: your co-founder has a question",
    Kind.READY: "{project} is ready",
    Kind.FAILED: "{project}: the build failed",
    Kind.MONEY: "{project}: out of money for now",
}


@dataclass(frozen=True)
class Notification:
    """An event that the founder is notified of, and what the notification says."""

    event: JobEvent
    kind: Kind
    question: AgentEscalation | None = None
    not_judged: int = 0  # promises of a finished build that nobody has judged: a rehearsal script built it

    @property
    def project(self) -> str:
        """The project's name, on one line."""
        return " ".join(self.event.job.project.name.split())

    @property
    def headline(self) -> str:
        return HEADLINES[self.kind].format(project=self.project)

    @property
    def owner(self) -> AbstractUser:
        return self.event.job.project.owner

    @property
    def link(self) -> str:
        return f"{settings.BASE_URL}/builds/{self.event.job_id}"

    @property
    def message(self) -> str:
        """Why the build failed; of a finished one, that it is ready and what was not judged."""
        return str(self.event.payload.get("message", ""))

    @property
    def wake_at(self) -> datetime | None:
        return _wake_at(self.event.payload)

    @property
    def is_for_days(self) -> bool:
        """Whether the sleep is longer than a night: the money of the whole period is used up."""
        return self.wake_at is not None and self.wake_at - self.event.created_at > ORDINARY_NIGHT


def kind_of(event_type: str, payload: dict[str, Any], created_at: datetime) -> Kind | None:
    """The kind of notification for an event; None for events that need none."""
    if event_type == EventType.BUDGET_EXCEEDED:
        return Kind.MONEY
    if event_type == EventType.WAITING_FOR_INPUT:
        return Kind.QUESTION
    if event_type == EventType.SLEEPING:
        wake_at = _wake_at(payload)
        is_ordinary = wake_at is not None and wake_at - created_at <= ORDINARY_NIGHT
        return None if is_ordinary else Kind.MONEY
    if event_type == EventType.JOB_STATUS and payload["status"] in (JobStatus.READY, JobStatus.FAILED):
        return Kind(payload["status"])
    return None


def settings_of(user_id: UUID) -> NotificationSettings:
    """This founder's settings; the default is every mail and no webhook."""
    found = NotificationSettings.objects.filter(user=user_id).first()
    return found or NotificationSettings(user_id=user_id)


def channels_for(chosen: NotificationSettings, kind: Kind) -> list[Notice.Channel]:
    wanted = {
        Notice.Channel.MAIL: chosen.wants_mail(kind),
        Notice.Channel.WEBHOOK: bool(chosen.webhook_url),
    }
    return [channel for channel, is_wanted in wanted.items() if is_wanted]


def enqueue(job_id: UUID, event_type: EventType) -> None:
    """Queue notifications of the newest event of this type, in the transaction that recorded it.

    Each channel has its own job in the queue, so that retries of one do not delay another. The job's lock
    prevents two workers from sending the same notification at the same time.
    """
    events = JobEvent.objects.select_related("job__project").filter(job=job_id, type=event_type)
    event = events.order_by("-seq").first()
    kind = kind_of(event.type, event.payload, event.created_at) if event else None
    if event is None or kind is None:
        return
    for channel in channels_for(settings_of(event.job.project.owner_id), kind):
        lock = f"notice {job_id} {event.seq} {channel}"
        app.configure_task(TASKS[channel], queue=NEWS, lock=lock).defer(job_id=str(job_id), seq=event.seq)


def unsent(job_id: UUID, seq: int, channel: Notice.Channel) -> Notification | None:
    """The notification of an event; None when it was sent before, or is no longer relevant."""
    if Notice.objects.filter(job=job_id, seq=seq, channel=channel).exists():
        return None
    event = JobEvent.objects.select_related("job__project__owner").filter(job=job_id, seq=seq).first()
    kind = kind_of(event.type, event.payload, event.created_at) if event else None
    if event is None or kind is None:
        return None
    if kind == Kind.READY:
        return Notification(event, kind, not_judged=verdicts.not_judged(event.job))
    if kind != Kind.QUESTION:
        return Notification(event, kind)
    question = _open_question(event.payload["escalation_id"])
    return Notification(event, kind, question) if question else None


def record(news: Notification, channel: Notice.Channel) -> None:
    """Record that it was sent. A worker that dies between sending and this sends again: at least once."""
    Notice.objects.get_or_create(
        job_id=news.event.job_id, seq=news.event.seq, channel=channel, defaults={"sent_at": clock.now()}
    )


def _open_question(escalation_id: str) -> AgentEscalation | None:
    questions = AgentEscalation.objects.select_related("project__owner")
    return questions.filter(pk=escalation_id, status=AgentEscalation.Status.PENDING).first()


def _wake_at(payload: dict[str, Any]) -> datetime | None:
    wake_at = payload.get("wake_at")
    return datetime.fromisoformat(wake_at) if wake_at else None
