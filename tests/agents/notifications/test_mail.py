import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from agents.database import in_transaction
from agents.models import Notice
from agents.notifications.mail import mail_link, notify, send_another
from cofounder.models import User
from escalations import links
from escalations.answers import resolve
from escalations.models import AgentEscalation, AnswerLink
from jobs import clock, events
from jobs.models import EventType, Job, JobEvent
from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]
pytestmark = pytest.mark.django_db(transaction=True)


DONE: dict[str, Any] = {"previous": "checks", "message": "Three checks failed."}
MAILS = [
    (EventType.BUDGET_EXCEEDED, {"wake_at": None, "budget_pct": 100}, "out of money for now"),
    (EventType.JOB_STATUS, {"status": "ready", **DONE}, "is ready"),
    (EventType.JOB_STATUS, {"status": "failed", **DONE}, "the build failed"),
]


async def told(build: Job, event_type: EventType, **payload: Any) -> Any:
    """The mail for an event, sent by the task in the queue."""
    event = await in_transaction(events.record, build.pk, event_type, **payload)
    await notify(str(build.pk), event.seq)
    return mail.outbox[-1]


def asked_of(question: AgentEscalation) -> Any:
    return JobEvent.objects.get(job=question.job_id, type=EventType.WAITING_FOR_INPUT).seq


async def mailed(question: AgentEscalation) -> Any:
    await notify(str(question.job_id), await in_transaction(asked_of, question))
    return mail.outbox[-1]


def token_in(message: Any) -> str:
    found = re.search(r"/answer/(\S+)$", message.body, re.MULTILINE)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(("event_type", "payload", "subject"), MAILS)
async def test_the_founder_is_told_with_a_link(
    build: Job, settings: Settings, event_type: EventType, payload: dict[str, Any], subject: str
) -> None:
    sent = await told(build, event_type, **payload)
    assert sent.to == ["founder@example.com"]
    assert sent.subject.startswith("Uniform Swap")
    assert sent.subject.endswith(subject)
    assert f"{settings.BASE_URL}/builds/{build.pk}" in sent.body


async def test_a_failure_is_told_with_its_reason(build: Job) -> None:
    sent = await told(build, EventType.JOB_STATUS, status="failed", **DONE)
    assert "Three checks failed." in sent.body


async def test_only_a_build_whose_promises_were_judged_has_passed_its_checks(build: Job) -> None:
    sentence = "It is ready. A rehearsal script built it, and 1 promise was not judged."
    sent = await told(build, EventType.JOB_STATUS, status="ready", previous="checks", message="It is ready.")
    assert "passed its checks" in sent.body
    unjudged = {"promise": "a list", "run": "", "ok": False, "verdict": "not_judged", "output": ""}
    await in_transaction(events.record, build.pk, EventType.CHECK_FINISHED, **unjudged, duration_ms=0)
    sent = await told(build, EventType.JOB_STATUS, status="ready", previous="checks", message=sentence)
    assert sentence in sent.body
    assert "passed" not in sent.body


async def test_a_mail_about_money_says_when_it_goes_on(build: Job) -> None:
    sent = await told(build, EventType.BUDGET_EXCEEDED, wake_at="2026-11-11T07:30:00+00:00", budget_pct=100)
    assert "today's money" in sent.body
    assert "on 11 November 2026 at 07:30 UTC" in sent.body


async def test_a_mail_about_the_period_s_money_says_so(build: Job) -> None:
    wake_at = (clock.now() + timedelta(days=9)).isoformat()
    sent = await told(build, EventType.SLEEPING, wake_at=wake_at, reason="Until the renewal.")
    assert "this month's money" in sent.body


async def test_a_question_is_told_with_all_there_is_to_decide(
    question: AgentEscalation, settings: Settings
) -> None:
    await in_transaction(
        AgentEscalation.objects.filter(pk=question.pk).update,
        plain_english_problem="Letters <or> ages & more?",
        attempts_summary=["I looked at the labels."],
    )
    body = (await mailed(question)).body
    assert "Letters <or> ages & more?" in body
    assert "- I looked at the labels." in body
    assert "Ages, as on the label." in body
    assert "- Letters: S, M, L" in body
    assert f"{settings.BASE_URL}/builds/{question.job_id}" in body


async def test_the_link_of_a_question_answers_it(question: AgentEscalation) -> None:
    token = token_in(await mailed(question))
    await in_transaction(links.answer, token, decision="ages")
    question = await in_transaction(AgentEscalation.objects.get)
    assert (question.founder_decision, question.resolved_via) == ("ages", "link")


@pytest.mark.parametrize("verified", [False, True])
async def test_only_a_confirmed_address_gets_a_link_that_answers(
    question: AgentEscalation, founder: User, settings: Settings, verified: bool
) -> None:
    address: dict[str, Any] = {"email": "Founder@example.com", "primary": True, "verified": verified}
    await in_transaction(EmailAddress.objects.create, user=founder, **address)
    body = (await mailed(question)).body
    assert ("/answer/" in body) is verified
    assert await in_transaction(AnswerLink.objects.exists) is verified
    assert f"{settings.BASE_URL}/builds/{question.job_id}" in body


@pytest.mark.parametrize("verified", [False, True])
async def test_nothing_is_mailed_to_an_address_that_may_be_a_stranger_s(
    question: AgentEscalation, founder: User, settings: Settings, verified: bool
) -> None:
    settings.CONFIRMS_ADDRESSES = True
    await in_transaction(
        EmailAddress.objects.create, user=founder, email=founder.email, primary=True, verified=verified
    )
    await notify(str(question.job_id), await in_transaction(asked_of, question))
    await mail_link(str(question.pk))
    assert len(mail.outbox) == 2 * verified
    assert await in_transaction(Notice.objects.exists) is verified


async def test_the_same_event_is_mailed_once(build: Job) -> None:
    await told(build, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    event = await in_transaction(JobEvent.objects.get, type=EventType.BUDGET_EXCEEDED)
    await notify(str(build.pk), event.seq)
    assert len(mail.outbox) == 1


async def test_a_mail_that_fails_is_sent_by_the_next_attempt(build: Job, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # no server listens there
    event = await in_transaction(
        events.record, build.pk, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100
    )
    with pytest.raises((OSError, smtplib.SMTPException)):
        await notify(str(build.pk), event.seq)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert not await in_transaction(Notice.objects.exists)
    await notify(str(build.pk), event.seq)
    assert len(mail.outbox) == 1


async def test_a_name_of_two_lines_cannot_add_headers(question: AgentEscalation) -> None:
    question.project.name = "Swap\nBcc: all@example.com"
    await in_transaction(question.project.save, update_fields=["name"])
    assert (await mailed(question)).subject == "Swap Bcc: all@example.com: your co-founder has a question"
    sent = await told(question.job, EventType.BUDGET_EXCEEDED, wake_at=None, budget_pct=100)
    assert sent.subject == "Swap Bcc: all@example.com: out of money for now"


def expired_link(question: AgentEscalation) -> Any:
    token, link = links.make(question)
    AnswerLink.objects.filter(pk=link.pk).update(expires_at=clock.now())
    return token


async def test_a_new_link_goes_to_the_founder_s_address_of_today(
    question: AgentEscalation, founder: User
) -> None:
    token = await in_transaction(expired_link, question)
    founder.email = "new@example.com"
    await in_transaction(founder.save, update_fields=["email"])
    assert await in_transaction(send_another, token)
    await mail_link(str(question.pk))
    (sent,) = mail.outbox
    assert sent.to == ["new@example.com"]
    await in_transaction(links.answer, token_in(sent), decision="ages")


def renewals() -> int:
    return ProcrastinateJob.objects.filter(task_name="agents.mail_link").count()


async def test_a_new_link_is_sent_once_in_ten_minutes(question: AgentEscalation) -> None:
    token = await in_transaction(expired_link, question)
    assert [await in_transaction(send_another, token) for _ in range(3)] == [True, False, False]
    await in_transaction(AnswerLink.objects.update, renewed_at=clock.now() - links.RENEWAL_PAUSE)
    assert await in_transaction(send_another, token)
    assert await in_transaction(renewals) == 2


async def test_no_new_link_is_sent_for_one_that_still_works_or_is_no_longer_needed(
    question: AgentEscalation, founder: User
) -> None:
    token, _ = await in_transaction(links.make, question)
    assert not await in_transaction(send_another, token)
    old = await in_transaction(expired_link, question)
    await in_transaction(resolve, question.pk, decision="ages", by=founder)
    assert not await in_transaction(send_another, old)
    await mail_link(str(question.pk))  # it was queued before the answer came
    assert mail.outbox == []
