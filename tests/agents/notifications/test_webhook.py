import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from agents.database import in_transaction
from agents.models import Notice, NotificationSettings
from agents.notifications import webhook
from agents.outside.guard import NotDelivered
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock, events
from jobs.models import EventType, Job, JobEvent
from tests.builds import job, question, working_job
from tests.receiver import Receiver, receiving

__all__ = ["job", "question", "working_job"]
pytestmark = pytest.mark.django_db(transaction=True)


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def hook(founder: User, receiver: Receiver) -> NotificationSettings:
    return NotificationSettings.objects.create(user=founder, webhook_url=receiver.url, webhook_secret=SECRET)


def is_genuine(request: Any, secret: str = SECRET) -> Any:
    """How a receiver checks a message, according to the standard."""
    headers = request.headers
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.split("_", 1)[1])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers["webhook-signature"], f"v1,{expected}")


async def call(build: Job, event_type: EventType, **payload: Any) -> Any:
    event = await in_transaction(events.record, build.pk, event_type, **payload)
    await webhook.call_webhook(str(build.pk), event.seq)
    return event


async def ready(build: Job) -> Any:
    return await call(build, EventType.JOB_STATUS, status="ready", previous="checks", message="It is ready.")


def test_the_signature_is_that_of_the_standard_s_example() -> None:
    body = b'{"test": 2432232314}'
    made = webhook.signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_long_and_differ() -> None:
    made = {webhook.new_secret() for _ in range(10)}
    assert len(made) == 10
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in made)


async def test_a_ready_build_is_told_signed_and_as_slack_likes_it(
    build: Job, hook: NotificationSettings, receiver: Receiver, settings: Settings
) -> None:
    event = await ready(build)
    (request,) = receiver.received
    assert is_genuine(request)
    assert not is_genuine(request, webhook.new_secret())
    assert request.headers["content-type"] == "application/json"
    link = f"{settings.BASE_URL}/builds/{build.pk}"
    assert json.loads(request.body) == {
        "text": f"Uniform Swap is ready\n{link}",
        "event": "ready",
        "project": "Uniform Swap",
        "project_id": str(build.project_id),
        "job_id": str(build.pk),
        "seq": event.seq,
        "link": link,
        "created_at": event.created_at.isoformat(),
        "not_judged": 0,
    }


async def test_what_nobody_judged_is_told_with_it(
    build: Job, hook: NotificationSettings, receiver: Receiver
) -> None:
    unjudged = {"promise": "a list", "run": "", "ok": False, "verdict": "not_judged", "output": ""}
    await in_transaction(events.record, build.pk, EventType.CHECK_FINISHED, **unjudged, duration_ms=0)
    sentence = "It is ready. A rehearsal script built it, and 1 promise was not judged."
    await call(build, EventType.JOB_STATUS, status="ready", previous="checks", message=sentence)
    message = json.loads(receiver.received[0].body)
    assert message["not_judged"] == 1
    assert sentence in message["text"]


async def test_a_question_is_told_with_its_words_and_without_a_link_that_answers(
    question: AgentEscalation, hook: NotificationSettings, receiver: Receiver
) -> None:
    event = await in_transaction(JobEvent.objects.get, type=EventType.WAITING_FOR_INPUT)
    await webhook.call_webhook(str(question.job_id), event.seq)
    message = json.loads(receiver.received[0].body)
    assert (message["event"], message["escalation_id"]) == ("question", str(question.pk))
    assert "Should sizes be letters or ages?" in message["text"]
    assert "/answer/" not in receiver.received[0].body.decode()


@pytest.mark.parametrize(
    ("event_type", "payload", "fact"),
    [
        (EventType.JOB_STATUS, {"status": "failed", "previous": "", "message": "No."}, {"message": "No."}),
        (EventType.BUDGET_EXCEEDED, {"wake_at": None, "budget_pct": 100}, {"wake_at": None}),
    ],
)
async def test_other_news_come_with_their_facts(
    build: Job,
    hook: NotificationSettings,
    receiver: Receiver,
    event_type: EventType,
    payload: dict[str, Any],
    fact: dict[str, Any],
) -> None:
    await call(build, event_type, **payload)
    message = json.loads(receiver.received[0].body)
    assert fact.items() <= message.items()


async def test_no_text_can_notify_a_slack_channel(
    build: Job, hook: NotificationSettings, receiver: Receiver
) -> None:
    words = "<!channel> & <https://example.org|click>"
    await call(build, EventType.JOB_STATUS, status="failed", previous="", message=words)
    message = json.loads(receiver.received[0].body)
    assert "&lt;!channel&gt; &amp; &lt;https://example.org|click&gt;" in message["text"]
    assert message["message"] == words


async def test_the_same_event_is_sent_once(
    build: Job, hook: NotificationSettings, receiver: Receiver
) -> None:
    event = await ready(build)
    await webhook.call_webhook(str(build.pk), event.seq)
    assert len(receiver.received) == 1
    assert await in_transaction(Notice.objects.filter(channel=Notice.Channel.WEBHOOK).count) == 1


async def test_what_fails_is_tried_again_under_the_same_id(
    build: Job, hook: NotificationSettings, receiver: Receiver
) -> None:
    receiver.answers = [(500, {})]
    with pytest.raises(NotDelivered):
        await ready(build)
    await in_transaction(hook.refresh_from_db)
    assert hook.webhook_trouble == "It answered 500 Internal Server Error."
    assert not await in_transaction(Notice.objects.exists)
    event = await in_transaction(JobEvent.objects.filter(type=EventType.JOB_STATUS).latest, "seq")
    await webhook.call_webhook(str(build.pk), event.seq)
    await in_transaction(hook.refresh_from_db)
    assert hook.webhook_trouble == ""
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_an_address_that_leads_inward_is_called_neither_now_nor_later(
    build: Job, hook: NotificationSettings, receiver: Receiver, settings: Settings
) -> None:
    settings.PRIVATE_WEBHOOKS = False
    hook.webhook_url = f"https://127.0.0.1:{receiver.port}/"
    await in_transaction(hook.save, update_fields=["webhook_url"])
    await ready(build)  # it does not raise: another try would change nothing
    await in_transaction(hook.refresh_from_db)
    assert receiver.received == []
    assert hook.webhook_trouble == "127.0.0.1 leads into a private network."


async def test_a_webhook_that_was_removed_is_not_called(
    build: Job, hook: NotificationSettings, receiver: Receiver
) -> None:
    await in_transaction(NotificationSettings.objects.update, webhook_url="")
    await ready(build)
    assert receiver.received == []


async def test_a_test_message_says_that_it_is_one(hook: NotificationSettings, receiver: Receiver) -> None:
    clock.forget()  # as in a process that has not loaded it yet
    await webhook.send_test(hook)
    (request,) = receiver.received
    assert is_genuine(request)
    assert json.loads(request.body)["event"] == "test"
    await in_transaction(hook.refresh_from_db)
    assert hook.webhook_called_at is not None


async def test_address_and_secret_are_not_readable_in_the_database(
    hook: NotificationSettings, receiver: Receiver
) -> None:
    from django.db import connection

    def row() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT webhook_url, webhook_secret FROM agents_notificationsettings")
            return " ".join(cursor.fetchone())

    kept = await in_transaction(row)
    assert receiver.url not in kept
    assert SECRET not in kept
