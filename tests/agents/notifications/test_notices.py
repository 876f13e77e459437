from datetime import datetime, timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import Notice, NotificationSettings
from agents.notifications import notices
from agents.notifications.notices import Kind
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs import clock, events
from jobs.models import EventType, Job, JobEvent, JobStatus
from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]

MAIL, WEBHOOK = Notice.Channel.MAIL, Notice.Channel.WEBHOOK
NEWS = [
    (EventType.BUDGET_EXCEEDED, {"wake_at": "2026-11-11T00:00:00+00:00", "budget_pct": 100}, Kind.MONEY),
    (EventType.BUDGET_EXCEEDED, {"wake_at": None, "budget_pct": 100}, Kind.MONEY),
    (EventType.SLEEPING, {"wake_at": None, "reason": "No money."}, Kind.MONEY),
    (EventType.WAITING_FOR_INPUT, {"escalation_id": "e", "problem": "Letters or ages?"}, Kind.QUESTION),
    (EventType.JOB_STATUS, {"status": "ready", "previous": "checks", "message": "Done"}, Kind.READY),
    (EventType.JOB_STATUS, {"status": "failed", "previous": "code", "message": "No plan."}, Kind.FAILED),
]


def queued() -> list[Any]:
    jobs = ProcrastinateJob.objects.filter(task_name__in=[notices.NOTIFY, notices.CALL_WEBHOOK])
    return sorted((one.task_name, one.args["seq"]) for one in jobs)


def ready(build: Job) -> Any:
    return events.record(build.pk, EventType.JOB_STATUS, status="ready", previous="checks", message="")


@pytest.mark.parametrize(("event_type", "payload", "expected"), NEWS)
def test_an_event_that_matters_is_news(
    event_type: EventType, payload: dict[str, Any], expected: Kind
) -> None:
    assert notices.kind_of(event_type, payload, datetime(2026, 11, 10).astimezone()) == expected


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.READY, JobStatus.FAILED}))
def test_no_other_status_is_news(build: Job, status: Any) -> None:
    events.record(build.pk, EventType.JOB_STATUS, status=status.value, previous="", message="")
    notices.enqueue(build.pk, EventType.JOB_STATUS)
    assert queued() == []


def test_an_ordinary_night_is_no_news(build: Job) -> None:
    wake_at = clock.next_midnight(clock.now()).isoformat()
    events.record(build.pk, EventType.SLEEPING, wake_at=wake_at, reason="Until tomorrow.")
    notices.enqueue(build.pk, EventType.SLEEPING)
    assert queued() == []


def test_a_sleep_of_days_means_lack_of_money(build: Job) -> None:
    wake_at = (clock.now() + timedelta(days=9)).isoformat()
    event = events.record(build.pk, EventType.SLEEPING, wake_at=wake_at, reason="Until the renewal.")
    notices.enqueue(build.pk, EventType.SLEEPING)
    assert queued() == [("agents.notify", event.seq)]


def test_a_type_that_never_came_queues_nothing(build: Job) -> None:
    notices.enqueue(build.pk, EventType.BUDGET_EXCEEDED)
    assert queued() == []


def test_mail_and_webhook_are_jobs_of_their_own(build: Job, founder: User) -> None:
    NotificationSettings.objects.create(user=founder, webhook_url="https://hooks.example.com/")
    event = ready(build)
    notices.enqueue(build.pk, EventType.JOB_STATUS)
    assert queued() == [("agents.call_webhook", event.seq), ("agents.notify", event.seq)]


@pytest.mark.parametrize("kind", Kind)
def test_a_mail_that_is_not_wanted_is_not_queued(build: Job, founder: User, kind: Any) -> None:
    assert notices.channels_for(NotificationSettings(), kind) == [MAIL]
    assert notices.channels_for(NotificationSettings(**{f"mail_{kind}": False}), kind) == []


def test_two_workers_cannot_send_the_same_notice(build: Job) -> None:
    event = ready(build)
    for _ in range(2):
        notices.enqueue(build.pk, EventType.JOB_STATUS)
    locks = ProcrastinateJob.objects.filter(task_name="agents.notify").values_list("lock", flat=True)
    assert list(locks) == [f"notice {build.pk} {event.seq} mail"] * 2


def test_what_was_sent_is_no_longer_news_on_that_channel(build: Job) -> None:
    event = ready(build)
    news = notices.unsent(build.pk, event.seq, MAIL)
    assert news is not None
    notices.record(news, MAIL)
    notices.record(news, MAIL)
    assert Notice.objects.count() == 1
    assert notices.unsent(build.pk, event.seq, MAIL) is None
    assert notices.unsent(build.pk, event.seq, WEBHOOK) is not None


def test_a_question_that_was_answered_meanwhile_is_no_longer_news(
    question: AgentEscalation, founder: User
) -> None:
    seq = JobEvent.objects.get(job=question.job, type=EventType.WAITING_FOR_INPUT).seq
    news = notices.unsent(question.job_id, seq, MAIL)
    assert news is not None
    assert news.question == question
    resolve(question.pk, decision="ages", by=founder)
    assert notices.unsent(question.job_id, seq, MAIL) is None


def test_a_build_that_is_gone_is_no_news(build: Job) -> None:
    event = ready(build)
    Job.objects.all().delete()
    assert notices.unsent(build.pk, event.seq, MAIL) is None
