"""Notified when not looking: the founder gets a question by mail and webhook, and answers from the mail."""

import email
import json
import re
from collections.abc import Callable, Iterator
from email import policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from agents.actions.start import start_build
from agents.models import AgentMessage, AgentSession, Notice, NotificationSettings, SessionState
from agents.notifications.webhook import new_secret
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs.briefs import create_project
from jobs.models import Job, JobStatus
from tests.agents.notifications.test_webhook import is_genuine
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import APP, brief
from tests.receiver import Receiver, receiving

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

QUESTION: dict[str, Any] = {
    "problem": "Should notes be kept for a day or for ever?",
    "recommended_action": "For ever.",
    "options": [
        {"value": "a_day", "label": "A day", "description": "They go at midnight."},
        {"value": "for_ever", "label": "For ever", "description": "They stay."},
    ],
}
PLAY = [
    {"id": "begin", "think": "Ask first.", "call": [{"ask_founder": QUESTION}]},
    {
        "id": "wait",
        "think": "Nothing else can be done.",
        "say": "I wait for your answer.",
        "end": True,
        "until": {"note": "answer"},
        "next": "app",
    },
    {
        "id": "app",
        "think": "Now build.",
        "call": [
            {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}},
            {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}},
            {"write_file": {"path": "notes.txt", "content": "kept"}},
        ],
    },
    {"id": "bye", "think": "Done.", "say": "Done.", "end": True},
]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = tmp_path_factory.mktemp("plays")
    (plays / "asking").mkdir()
    (plays / "asking" / "play.yaml").write_text(
        json.dumps({"name": "asking", "project": "Asking", "steps": PLAY})
    )
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


@pytest.fixture
def mails(workers: Workers, tmp_path: Path) -> Callable[..., list[Any]]:
    """The mails the workers send, oldest first."""
    folder = tmp_path / "mails"
    workers._env["EMAIL_URL"] = f"filemail:///{folder}"

    def read() -> list[Any]:
        files = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime)
        written = [text for text in map(Path.read_bytes, files) if text.endswith(b"-\n")]
        return [email.message_from_bytes(text, policy=policy.default) for text in written]

    return read


@pytest.fixture
def receiver(founder: User) -> Iterator[Receiver]:
    with receiving() as receiver:
        NotificationSettings.objects.create(
            user=founder, webhook_url=receiver.url, webhook_secret=new_secret()
        )
        yield receiver


def about(mails: Callable[..., list[Any]], words: str) -> list[Any]:
    return [message for message in mails() if words in message["subject"]]


def test_an_answer_from_a_mail_wakes_the_agent_and_reaches_the_model(
    founder: User, workers: Workers, mails: Callable[..., list[Any]], receiver: Receiver
) -> None:
    receiver.answers = [(500, {})]  # the first call fails, and is retried
    workers.start()
    job, _ = start_build(create_project(owner=founder, **brief("Asking")))
    (asked,) = wait_until(lambda: about(mails, "has a question"), "the mail")
    assert asked["to"] == founder.email
    wait_until(lambda: state() == SessionState.WAITING_FOR_INPUT, "the agent to wait")
    link = re.search(r"\S+/answer/\S+", asked.get_content())
    assert link is not None
    page = urlsplit(link.group()).path
    phone = Client()
    for _ in range(3):
        assert QUESTION["problem"] in phone.get(page).text
    assert AgentEscalation.objects.get().status == "pending"

    answer = {"decision": "for_ever", "guidance": "And never any names."}
    assert phone.post(page, answer).status_code == 302

    wait_until(lambda: Job.objects.get().is_over, "the build to end")
    assert Job.objects.get().status == JobStatus.READY, workers.log.read_text()[-3000:]
    assert phone.post(page, {"decision": "a_day"}).status_code == 409
    question = AgentEscalation.objects.get()
    assert (question.founder_decision, question.resolved_by, question.resolved_via) == (
        *("for_ever", founder, "link"),
    )
    assert question.delivered_at is not None
    heard = [str(row.content) for row in AgentMessage.objects.filter(session=job.pk, role="user")]
    assert sum("And never any names." in words for words in heard) == 1
    wait_until(lambda: about(mails, "is ready"), "the second mail")
    wait_until(lambda: {"question", "ready"} <= set(events_of(receiver)), "the webhook to hear of it too")
    assert all(is_genuine(request, hook().webhook_secret) for request in receiver.received)
    wait_until(lambda: Notice.objects.count() == 3, "the notices")
    assert len(mails()) == 2


def state() -> Any:
    return AgentSession.objects.get().state


def hook() -> NotificationSettings:
    return NotificationSettings.objects.get()


def events_of(receiver: Receiver) -> list[Any]:
    return [json.loads(request.body)["event"] for request in receiver.received]
