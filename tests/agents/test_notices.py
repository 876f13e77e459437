import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from agents import notices
from agents.database import unit
from agents.models import Notice
from jobs import clock, events
from jobs.models import EventType, JobStatus
from tests.races import at_once

MAILS = [
    (EventType.BUDGET_EXCEEDED, {"wake_at": "2026-11-11T00:00:00+00:00", "budget_pct": 100}, "money"),
    (EventType.BUDGET_EXCEEDED, {"wake_at": None, "budget_pct": 100}, "money"),
    (EventType.SLEEPING, {"wake_at": None, "reason": "No money."}, "money"),
    (EventType.WAITING_FOR_INPUT, {"escalation_id": "e", "problem": "Letters <or> ages?"}, "question"),
    (EventType.JOB_STATUS, {"status": "ready", "previous": "checks", "message": "Done"}, "ready"),
    (EventType.JOB_STATUS, {"status": "failed", "previous": "code", "message": "No subscription."}, "failed"),
]


def queued():
    return [job.args for job in ProcrastinateJob.objects.filter(task_name="agents.notify")]


@pytest.mark.parametrize(("event_type", "payload", "expected"), MAILS)
def test_an_event_that_matters_is_mailed_to_the_founder(build, settings, event_type, payload, expected):
    event = events.record(build.pk, event_type, **payload)
    assert notices.mail_for(event.type, event.payload, event.created_at) == expected
    assert notices.send(build.pk, event.seq)
    (sent,) = mail.outbox
    assert sent.to == ["founder@example.com"]
    assert "Uniform Swap" in sent.subject
    assert f"{settings.BASE_URL}/builds/{build.pk}" in sent.body


def test_a_question_is_quoted_as_it_is(build):
    event = events.record(build.pk, EventType.WAITING_FOR_INPUT, escalation_id="e", problem="A <or> B & C?")
    notices.send(build.pk, event.seq)
    assert "A <or> B & C?" in mail.outbox[0].body


def test_a_mail_about_money_says_when_it_goes_on(build):
    wake_at = "2026-11-11T07:30:00+00:00"
    event = events.record(build.pk, EventType.BUDGET_EXCEEDED, wake_at=wake_at, budget_pct=100)
    notices.send(build.pk, event.seq)
    assert "on 11 November 2026 at 07:30 UTC" in mail.outbox[0].body


def test_an_ordinary_night_is_worth_no_mail(build):
    wake_at = clock.next_midnight(clock.now()).isoformat()
    events.record(build.pk, EventType.SLEEPING, wake_at=wake_at, reason="Until tomorrow.")
    notices.queue(build.pk, EventType.SLEEPING)
    assert queued() == []


def test_a_sleep_of_days_is_want_of_money(build):
    wake_at = (clock.now() + timedelta(days=9)).isoformat()
    event = events.record(build.pk, EventType.SLEEPING, wake_at=wake_at, reason="Until the renewal.")
    notices.queue(build.pk, EventType.SLEEPING)
    assert queued() == [{"job_id": str(build.pk), "seq": event.seq}]


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.READY, JobStatus.FAILED}))
def test_no_other_status_is_mailed(build, status):
    events.record(build.pk, EventType.JOB_STATUS, status=status.value, previous="", message="")
    notices.queue(build.pk, EventType.JOB_STATUS)
    assert queued() == []


def test_a_type_that_never_came_queues_nothing(build):
    notices.queue(build.pk, EventType.BUDGET_EXCEEDED)
    assert queued() == []


def test_the_same_event_is_mailed_once(build):
    event = events.record(build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    assert [notices.send(build.pk, event.seq) for _ in range(2)] == [True, False]
    assert len(mail.outbox) == 1


def test_a_mail_that_fails_is_sent_by_the_next_attempt(build, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    event = events.record(build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    with pytest.raises((OSError, smtplib.SMTPException)):
        _in_a_transaction(build.pk, event.seq)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert not Notice.objects.exists()
    assert notices.send(build.pk, event.seq)


def _in_a_transaction(job_id, seq):
    with transaction.atomic():
        notices.send(job_id, seq)


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_sends(build):
    event = events.record(build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    results = at_once(*[lambda: _in_a_transaction(build.pk, event.seq)] * 2)
    assert results == [None, None]
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
async def test_the_queue_s_task_sends_the_mail(build):
    event = await unit(events.record, build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    await notices.notify(str(build.pk), event.seq)
    assert len(mail.outbox) == 1


def test_a_name_of_two_lines_cannot_add_headers(build):
    build.project.name = "Swap\nBcc: all@example.com"
    build.project.save(update_fields=["name"])
    event = events.record(build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    notices.send(build.pk, event.seq)
    assert mail.outbox[0].subject == "Swap Bcc: all@example.com: out of money for now"
