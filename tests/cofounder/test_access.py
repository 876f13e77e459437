"""Who may reach what, by walking the URL table itself: an address without a rule fails.

Every address has one rule: `PUBLIC` (anybody), `OWN` (signed-in people see their own things), `OWNED` (an
object of the founder's; someone else's is 404), `LINKED` (the same, and anybody with a share link), `TOKEN`
(its own secret in the address or a header); everything under `admin/` is for staff.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from cofounder.models import User
from escalations.models import AgentEscalation
from jobs.models import Job
from jobs.sockets.routing import websocket_urlpatterns

API = "api/"
PUBLIC = {"", "healthz", "readyz", "api/docs", "api/schema", "api/auth/tokens"}
TOKEN = {"metrics", "answer/<str:token>", "enter/<str:token>"}
LINKED = {"preview/<uuid:project_id>", "preview/<uuid:project_id>/progress"}
NOWHERE = "api/"  # what answers 404 to everything else under /api/
OWN = {
    "api/account/delete",
    "api/account/export",
    "api/budget",
    "api/budget/today",
    "api/escalations",
    "api/generation/start",
    "api/interviews",
    "api/jobs",
    "api/projects",
    "interviews",
    "money/today",
    "money/top-up",
    "projects",
    "projects/new",
    "questions",
    "settings",
    "settings/delete",
    "settings/nights",
    "settings/notifications",
    "settings/notifications/mails",
    "settings/notifications/webhook",
    "settings/notifications/webhook/<slug:verb>",
    "settings/tokens",
    "settings/tokens/revoke",
}
OWNED = {
    "api/escalations/<uuid:escalation_id>",
    "api/escalations/<uuid:escalation_id>/resolve",
    "api/interviews/<uuid:interview_id>",
    "api/interviews/<uuid:interview_id>/answers",
    "api/interviews/<uuid:interview_id>/approve",
    "api/jobs/<uuid:job_id>",
    "api/jobs/<uuid:job_id>/cancel",
    "api/jobs/<uuid:job_id>/changes",
    "api/jobs/<uuid:job_id>/checks",
    "api/jobs/<uuid:job_id>/code.zip",
    "api/jobs/<uuid:job_id>/documents",
    "api/jobs/<uuid:job_id>/escalations",
    "api/jobs/<uuid:job_id>/events",
    "api/jobs/<uuid:job_id>/messages",
    "api/jobs/<uuid:job_id>/pause",
    "api/jobs/<uuid:job_id>/phases",
    "api/jobs/<uuid:job_id>/restore",
    "api/jobs/<uuid:job_id>/resume",
    "api/jobs/<uuid:job_id>/snapshots",
    "api/jobs/<uuid:job_id>/spend",
    "api/jobs/<uuid:job_id>/status",
    "api/jobs/<uuid:job_id>/transcript",
    "api/jobs/<uuid:job_id>/wake",
    "api/projects/<uuid:project_id>",
    "api/projects/<uuid:project_id>/promises",
    "api/projects/<uuid:project_id>/secrets",
    "api/projects/<uuid:project_id>/secrets/<str:name>",
    "builds/<uuid:job_id>",
    "builds/<uuid:job_id>/<slug:verb>",
    "builds/<uuid:job_id>/app",
    "builds/<uuid:job_id>/change",
    "builds/<uuid:job_id>/changes",
    "builds/<uuid:job_id>/feed",
    "builds/<uuid:job_id>/images/<path:name>",
    "builds/<uuid:job_id>/messages",
    "interviews/<uuid:interview_id>",
    "interviews/<uuid:interview_id>/answer",
    "interviews/<uuid:interview_id>/enough",
    "interviews/<uuid:interview_id>/retry",
    "interviews/<uuid:interview_id>/typed",
    "interviews/<uuid:interview_id>/write",
    "projects/<uuid:project_id>/brief",
    "projects/<uuid:project_id>/brief/build",
    "projects/<uuid:project_id>/brief/edit",
    "projects/<uuid:project_id>/keys",
    "projects/<uuid:project_id>/keys/remove",
    "projects/<uuid:project_id>/links",
    "projects/<uuid:project_id>/links/<uuid:link_id>/revoke",
    "projects/<uuid:project_id>/links/new",
    "projects/<uuid:project_id>/start",
    "questions/<uuid:escalation_id>/answer",
    "settings/tokens/<str:digest>/revoke",
}
SOCKETS = {"ws/interviews/<str:interview_id>/", "ws/jobs/<str:job_id>/"}
NAMES = {  # what an address contains besides ids
    "builds/<uuid:job_id>/<slug:verb>": {"verb": "stop"},
    "api/projects/<uuid:project_id>/secrets/<str:name>": {"name": "STRIPE_KEY"},
}
NOT_YET = {"preview/<uuid:project_id>/progress": {404}}  # there is nothing to wait for
BODIES = {  # what a change request must contain to be accepted
    "api/interviews": {"text": "A list of plants"},
    "api/interviews/<uuid:interview_id>/answers": {"question_id": "q1", "how": "skip"},
    "api/projects/<uuid:project_id>/secrets/<str:name>": {"value": "sk-a-long-secret"},
    "api/escalations/<uuid:escalation_id>/resolve": {"decision": "ages"},
    "api/jobs/<uuid:job_id>/messages": {"text": "Hello"},
    "api/jobs/<uuid:job_id>/restore": {"snapshot_id": "{snapshot}"},
    "api/generation/start": {"project_id": "{project}"},
}


def walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each address of the table as written, and its view."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


ADDRESSES = dict(walk(get_resolver().url_patterns))
STAFF = [route for route in ADDRESSES if route.startswith("admin/")]
LIBRARY = [route for route in ADDRESSES if route.startswith("accounts/")]  # allauth's own, with its own tests
RULED = PUBLIC | TOKEN | OWN | OWNED | LINKED
PRESENT = sorted(RULED & set(ADDRESSES))
PERSONAL = [route for route in PRESENT if route in OWN | OWNED | LINKED]


def test_every_address_has_a_rule() -> None:
    known = RULED | {NOWHERE} | set(STAFF) | set(LIBRARY)
    assert sorted(set(ADDRESSES) - known) == [], "write down in this file who may reach these"


def test_no_rule_is_left_of_an_address_that_is_gone() -> None:
    assert sorted(RULED - set(ADDRESSES)) == []


def test_no_address_has_two_rules() -> None:
    assert sum(map(len, (PUBLIC, TOKEN, OWN, OWNED, LINKED))) == len(RULED)


def test_every_socket_has_a_rule() -> None:
    assert {str(pattern.pattern) for pattern in websocket_urlpatterns} == SOCKETS


@pytest.fixture
def stored(settings: Settings, tmp_path: Path) -> None:
    """Files are stored in the test's own directory."""
    backend = "django.core.files.storage.FileSystemStorage"
    own = {
        name: {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / name)}}
        for name in ("default", "snapshots")
    }
    settings.STORAGES = {**settings.STORAGES, **own}


@pytest.fixture
def ids(stored: None, founder: User, question: AgentEscalation) -> dict[str, Any]:
    """One of each object the founder has."""
    from knox.models import AuthToken

    from agents.models import ShareLink, Snapshot
    from jobs import clock, events
    from jobs.models import EventType, ProjectSecret

    job = question.job
    picture = default_storage.save("shot.webp", ContentFile(b"RIFF"))
    events.record(job.pk, EventType.TOOL_FINISHED, image=picture, call_id="c", tool="take_screenshot")
    ProjectSecret.objects.create(project=job.project, name="STRIPE_KEY", value="sk-a-long-secret")
    packed = archive()
    snapshot = Snapshot.objects.create(
        project=job.project,
        job=job,
        key=storages["snapshots"].save("a.tar.gz", ContentFile(packed)),
        size=len(packed),
        sha256=hashlib.sha256(packed).hexdigest(),
        manifest=[],
        reason="checkpoint",
        created_at=clock.now(),
    )
    return {
        "project_id": job.project_id,
        "job_id": job.pk,
        "escalation_id": question.pk,
        "name": picture,
        "verb": "test",
        "link_id": ShareLink.objects.create(
            project=job.project, created_at=clock.now(), expires_at=clock.now() + timedelta(days=1)
        ).pk,
        "digest": AuthToken.objects.create(founder)[0].digest,
        "interview_id": interview_of(founder),
        "snapshot": snapshot.pk,
        "project": job.project_id,
    }


def interview_of(founder: User) -> UUID:
    """One with a question that is open."""
    from agents.interview import desk
    from agents.interview.topics import Topic
    from tests.agents.interview.test_desk import take_step

    return take_step(desk.begin(founder, "A shelf to lend tools"), Topic.JOB).pk


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("index.html"))
    return buffer.getvalue()


def address(route: str, ids: dict[str, Any]) -> str:
    given: dict[str, Any] = {**ids, **NAMES.get(route, {})}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(given[match[1]]), route)


def methods(route: str) -> list[str]:
    """The methods to try: all that an API view supports; reading and writing for a page."""
    view = getattr(ADDRESSES[route], "cls", None) or getattr(ADDRESSES[route], "view_class", None)
    if view is None:
        return ["get", "post"]
    return [
        name for name in view.http_method_names if hasattr(view, name) and name not in ("options", "head")
    ]


def ask(client: Client, route: str, method: str, ids: dict[str, Any]) -> Any:
    body = {key: value.format(**ids) for key, value in BODIES.get(route, {}).items()}
    given = (
        {"data": body, "content_type": "application/json"}
        if route.startswith(API) and method != "get"
        else {}
    )
    return getattr(client, method)(address(route, ids), **given)


def content(answer: Any) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    if not answer.streaming:
        return bytes(answer.content)
    return async_to_sync(collect)() if answer.is_async else b"".join(answer.streaming_content)


@pytest.mark.parametrize("route", PERSONAL)
def test_a_visitor_gets_nothing(client: Client, ids: dict[str, Any], route: str) -> None:
    for method in methods(route):
        answer = ask(client, route, method, ids)
        if route.startswith(API):
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated"), method
        elif route in LINKED and answer.status_code in (404, 405):
            assert "Uniform Swap" not in answer.text
        else:
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/"), method


@pytest.mark.parametrize("route", [route for route in PERSONAL if route in OWNED | LINKED])
def test_what_is_someone_else_s_is_not_there(other_browser: Client, ids: dict[str, Any], route: str) -> None:
    answers = [ask(other_browser, route, method, ids).status_code for method in methods(route)]
    assert set(answers) <= {404, 405}
    assert 404 in answers


@pytest.mark.parametrize("route", [route for route in PERSONAL if route in OWN])
def test_a_list_holds_nothing_of_someone_else_s(
    other_browser: Client, founder: User, ids: dict[str, Any], route: str
) -> None:
    for method in methods(route):
        answer = ask(other_browser, route, method, ids)
        assert answer.status_code < 500
        text = content(answer).decode(errors="replace")
        for told in ("Uniform Swap", founder.email, *map(str, ids.values())):
            assert told not in text or told in ("test", str(ids["name"])), method
    assert type(founder).objects.filter(pk=founder.pk).exists()


@pytest.mark.parametrize("route", PERSONAL)
def test_the_owner_gets_in(browser: Client, ids: dict[str, Any], route: str) -> None:
    answers = {}
    for method in methods(route):
        answer = ask(browser, route, method, ids)
        content(answer)
        answers[method] = answer.status_code
        assert answer.headers.get("Location", "").startswith("/accounts/") is False
    assert set(answers.values()) - {405}
    assert not {401, 403, 404} & set(answers.values()) - NOT_YET.get(route, set()), answers
    assert max(answers.values()) < 500


@pytest.mark.parametrize("route", STAFF)
def test_the_admin_is_for_staff(browser: Client, client: Client, route: str) -> None:
    place = "/" + re.sub(r"<[^>]+>|\(\?P<\w+>[^)]*\)|[\^$]", "1", route)
    for visitor in (client, browser):
        for method in ("get", "post"):
            answer = getattr(visitor, method)(place)
            if place in ("/admin/login/", "/admin/jsi18n/"):
                continue
            assert (answer.status_code, "/admin/login/" in answer.get("Location", "")) in (
                (302, True),
                (404, False),
                (302, place != "/admin/logout/"),
            ), (method, place)


@pytest.mark.parametrize("route", sorted(TOKEN & set(ADDRESSES)))
def test_a_made_up_token_opens_nothing(client: Client, db: None, route: str) -> None:
    answer = client.get("/" + route.replace("<str:token>", "made-up"))
    assert answer.status_code in (401, 403, 404, 410)


@pytest.mark.parametrize("route", sorted(PUBLIC & set(ADDRESSES)))
def test_what_is_public_answers_anybody(client: Client, db: None, route: str) -> None:
    assert client.get("/" + route).status_code in (200, 401, 405, 503)


async def knock(job_id: Any, client: Client) -> Any:
    from cofounder.asgi import application

    cookie = f"sessionid={client.cookies['sessionid'].value}" if "sessionid" in client.cookies else ""
    headers = [
        (b"host", b"localhost:8000"),
        (b"origin", b"http://localhost:8000"),
        (b"cookie", cookie.encode()),
    ]
    socket = WebsocketCommunicator(application, f"/ws/jobs/{job_id}/", headers=headers)
    assert (await socket.connect(timeout=20))[0]
    said = await socket.receive_output(timeout=20)
    await socket.disconnect(timeout=20)
    return said


@pytest.mark.django_db(transaction=True)
async def test_a_socket_tells_its_owner_alone(
    job: Job, client: Client, browser: Client, other_browser: Client
) -> None:
    assert (await knock(job.pk, client))["code"] == 4401
    assert (await knock(job.pk, other_browser))["code"] == 4404
    assert '"seq": 1' in (await knock(job.pk, browser))["text"]


def test_the_sites_own_table_is_walked() -> None:
    """The walk sees what Django resolves: each of the three apps, the pages, the admin, allauth."""
    assert settings.ROOT_URLCONF == "cofounder.urls"
    assert {"api/jobs", "api/escalations", "api/budget", "settings", "admin/", "accounts/login/"} <= set(
        ADDRESSES
    )
