"""A founder's webhook: the message, its signature (https://www.standardwebhooks.com), and the outcome."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from procrastinate.contrib.django import app

from agents.database import in_transaction
from agents.models import Notice, NotificationSettings
from agents.notifications import notices
from agents.notifications.notices import CALL_WEBHOOK, RETRY, Kind, Notification
from agents.outside.guard import AddressRefused, NotDelivered
from jobs import clock
from jobs.queue import NEWS

log = structlog.get_logger(__name__)

SECRET_PREFIX = "whsec_"  # noqa: S105  # the prefix the standard prescribes
SECRET_BYTES = 32


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature header: HMAC-SHA256 over id, timestamp (Unix seconds) and body, joined by dots."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


@app.task(name=CALL_WEBHOOK, queue=NEWS, retry=RETRY)
async def call_webhook(job_id: str, seq: int) -> None:
    """Send an event to the founder's webhook, unless it was sent before. The queue retries failures."""
    news = await in_transaction(notices.unsent, UUID(job_id), seq, Notice.Channel.WEBHOOK)
    if news is None:
        return
    hook = await in_transaction(notices.settings_of, news.owner.pk)
    if not hook.webhook_url:
        return
    try:
        await send(hook, f"{job_id}-{seq}", message_for(news))
    except AddressRefused as error:
        log.warning("notice.webhook_refused", job_id=job_id, seq=seq, reason=str(error))
        return
    await in_transaction(notices.record, news, Notice.Channel.WEBHOOK)
    log.info("notice.webhook_called", job_id=job_id, seq=seq, kind=news.kind.value)


async def send_test(hook: NotificationSettings) -> None:
    """Send a test message. Raises `AddressRefused` and `NotDelivered`."""
    link = f"{settings.BASE_URL}/settings"
    text = f"This is a test. Your co-founder can reach you here.\n{link}"
    moment = await in_transaction(clock.now)
    message = {"text": text, "event": "test", "link": link, "created_at": moment.isoformat()}
    await send(hook, str(uuid4()), message)


async def send(hook: NotificationSettings, message_id: str, message: Mapping[str, Any]) -> None:
    """Sign and send a message, and record the outcome for the founder. Raises as `send_test` does."""
    from agents.outside.post import post  # the HTTP client: a web process seldom needs it

    body = json.dumps(message, ensure_ascii=False).encode()
    timestamp = int(time.time())  # the receiver compares it with its own clock
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cofounder-webhook/1",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": signature(hook.webhook_secret, message_id, timestamp, body),
    }
    try:
        await post(hook.webhook_url, body, headers)
    except (AddressRefused, NotDelivered) as error:
        await in_transaction(_record_outcome, hook.pk, str(error))
        raise
    await in_transaction(_record_outcome, hook.pk, "")


def _record_outcome(user_id: UUID, trouble: str) -> None:
    NotificationSettings.objects.filter(user=user_id).update(
        webhook_called_at=clock.now(), webhook_trouble=trouble
    )


def message_for(news: Notification) -> dict[str, Any]:
    """The body of the webhook: `text` for people, escaped for Slack, and the facts for programs."""
    job = news.event.job
    return {
        "text": _for_slack(f"{news.headline}{_details(news)}\n{news.link}"),
        "event": news.kind.value,
        "project": job.project.name,
        "project_id": str(job.project_id),
        "job_id": str(job.pk),
        "seq": news.event.seq,
        "link": news.link,
        "created_at": news.event.created_at.isoformat(),
        **_facts(news),
    }


def _details(news: Notification) -> str:
    if news.question is not None:
        return f"\n{news.question.plain_english_problem}"
    if news.message and (news.kind == Kind.FAILED or news.not_judged):
        return f"\n{news.message}"
    if news.kind == Kind.MONEY and news.wake_at:
        return f"\nIt goes on by itself on {news.wake_at:%-d %B %Y at %H:%M} UTC."
    return ""


def _facts(news: Notification) -> dict[str, Any]:
    if news.question is not None:
        return {"escalation_id": str(news.question.pk), "problem": news.question.plain_english_problem}
    if news.kind == Kind.MONEY:
        return {"wake_at": news.wake_at.isoformat() if news.wake_at else None}
    if news.kind == Kind.READY:
        return {"not_judged": news.not_judged}
    return {"message": news.message}


def _for_slack(text: str) -> str:
    """Escape the three special characters of Slack, so that no text can mention a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
