"""E-mails to the founder: a question, build ready, build failed, out of money."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from procrastinate.contrib.django import app

from agents.database import in_transaction
from agents.models import Notice
from agents.notifications import notices
from agents.notifications.notices import NOTIFY, RETRY, Kind, Notification
from escalations import links
from escalations.models import AgentEscalation
from jobs.queue import NEWS

log = structlog.get_logger(__name__)

MAIL_LINK = "agents.mail_link"
TIMEOUT_SECONDS = 10
_POST = ThreadPoolExecutor(4, thread_name_prefix="mail")  # a slow mail server delays nothing else


@app.task(name=NOTIFY, queue=NEWS, retry=RETRY)
async def notify(job_id: str, seq: int) -> None:
    """Send the mail for an event, unless it was sent before."""
    news = await in_transaction(notices.unsent, UUID(job_id), seq, Notice.Channel.MAIL)
    if news is None:
        return
    if not await in_transaction(may_be_mailed, news.owner):
        log.info("notice.address_not_confirmed", job_id=job_id, seq=seq)
        return
    await _send(await in_transaction(mail_for, news))
    await in_transaction(notices.record, news, Notice.Channel.MAIL)
    log.info("notice.mailed", job_id=job_id, seq=seq, kind=news.kind.value)


async def _send(mail: EmailMessage) -> None:
    await asyncio.get_running_loop().run_in_executor(_POST, mail.send)


def mail_for(news: Notification) -> EmailMessage:
    """The mail for this news. For a question, it also creates the link to answer it."""
    if news.question is not None:
        return question_mail(news.question)
    return _mail(news.owner.email, news.headline, news.kind, {"news": news})


def question_mail(question: AgentEscalation) -> EmailMessage:
    """The mail for a question, with a link to answer it if the founder's address is confirmed."""
    owner = question.project.owner
    project = " ".join(question.project.name.split())
    context: dict[str, object] = {
        "question": question,
        "project": project,
        "build": f"{settings.BASE_URL}/builds/{question.job_id}",
    }
    if is_confirmed(owner):
        token, link = links.make(question)
        context |= {"link": f"{settings.BASE_URL}/answer/{token}", "until": link.expires_at}
    headline = notices.HEADLINES[Kind.QUESTION].format(project=project)
    return _mail(owner.email, headline, Kind.QUESTION, context)


def is_confirmed(user: AbstractUser) -> bool:
    """Whether the address is confirmed to be the user's. One entered by an operator has no row and counts."""
    return not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=False).exists()


def may_be_mailed(user: AbstractUser) -> bool:
    """No mail goes to an address that may be a stranger's: a project's name would bring them anybody's words.

    An install that cannot ask for a confirmation sends nothing over the net either.
    """
    return not settings.CONFIRMS_ADDRESSES or is_confirmed(user)


def _mail(to: str, subject: str, kind: Kind, context: dict[str, object]) -> EmailMessage:
    return EmailMessage(
        subject=subject,
        body=render_to_string(f"agents/mail/{kind}.txt", context),
        to=[to],
        connection=get_connection(timeout=TIMEOUT_SECONDS),
    )


@transaction.atomic
def send_another(token: str) -> bool:
    """Queue a mail with a new link to replace an expired one; False when none is needed or one was queued.

    It goes to the founder's current address, whoever asks. Raises `LinkDamaged`.
    """
    link = links.find(token)
    is_wanted = link.escalation.status == AgentEscalation.Status.PENDING and links.has_expired(link)
    if not is_wanted or not links.claim_renewal(link):
        return False
    app.configure_task(MAIL_LINK, queue=NEWS).defer(escalation_id=str(link.escalation_id))
    return True


@app.task(name=MAIL_LINK, queue=NEWS, retry=RETRY)
async def mail_link(escalation_id: str) -> None:
    """Mail an open question again, with a new link."""
    mail = await in_transaction(_mail_again, UUID(escalation_id))
    if mail is not None:
        await _send(mail)
        log.info("notice.link_mailed", escalation_id=escalation_id)


def _mail_again(escalation_id: UUID) -> EmailMessage | None:
    questions = AgentEscalation.objects.select_related("project__owner")
    question = questions.filter(pk=escalation_id, status=AgentEscalation.Status.PENDING).first()
    if question is None or not may_be_mailed(question.project.owner):
        return None
    return question_mail(question)
