"""The address of a project's app: who may open it, what they see while it wakes, and share links."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions import share_links, show_app
from agents.models import AgentSession, ShareLink
from agents.preview import probe
from cofounder.models import User
from jobs import clock, events
from jobs.models import EventType, Job

pytestmark = pytest.mark.django_db

SILENT = "http://127.0.0.1:9/"


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"" if "blank" in self.path else b"<h1>Uniforms</h1>")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running_app() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def owner(client: Client, founder: User) -> Client:
    client.force_login(founder)
    return client


@pytest.fixture
def stranger() -> Client:
    return Client()


@pytest.fixture
def finished(build: Job) -> Any:
    return finish(build, SILENT)


def finish(job: Job, url: str) -> Any:
    Job.objects.filter(pk=job.pk).update(status="ready", preview_url=url)
    AgentSession.objects.filter(pk=job.pk).update(state="completed")
    job.refresh_from_db()
    return job


def address(job: Job, link: ShareLink | None = None) -> str:
    query = f"?link={share_links.token_of(link)}" if link else ""
    return reverse("preview", args=[job.project_id]) + query


def queued() -> int:
    return ProcrastinateJob.objects.filter(task_name=show_app.SHOW, status="todo").count()


def say(job: Job, status: str, **payload: Any) -> None:
    events.record(job.pk, EventType.PREVIEW_UPDATED, **{"url": "", "status": status, **payload})


def progress_of(page: str) -> str:
    return re.findall(r'hx-get="([^"]+)"', page)[0].replace("&amp;", "&")


def test_a_running_app_is_opened_at_once(owner: Client, build: Job, running_app: str) -> None:
    finish(build, running_app)
    answer = owner.get(address(build))
    assert (answer.status_code, answer["Location"]) == (302, running_app)
    assert "no-store" in answer["Cache-Control"]
    assert queued() == 0
    assert AgentSession.objects.get(pk=build.pk).sandbox_used_at is not None


def test_a_sleeping_app_is_woken_by_a_worker_while_a_page_waits(owner: Client, finished: Any) -> None:
    page = owner.get(address(finished)).content.decode()
    assert "Opening Uniform Swap" in page
    assert "Waiting for a free worker" in page
    assert queued() == 1
    owner.get(address(finished))
    assert queued() == 1
    say(finished, probe.STARTING, message="Waking the app up")
    step = owner.get(progress_of(page), headers={"HX-Request": "true"})
    assert "Waking the app up…" in step.content.decode()
    assert "HX-Redirect" not in step
    say(finished, "answers", url="http://8000-x.example/")
    assert (
        owner.get(progress_of(page), headers={"HX-Request": "true"})["HX-Redirect"]
        == "http://8000-x.example/"
    )
    assert owner.get(progress_of(page))["Location"] == "http://8000-x.example/"


def test_why_it_cannot_be_opened_is_for_the_owner_alone(
    owner: Client, stranger: Client, finished: Any
) -> None:
    link = share_links.make(finished.project, 7)
    page = owner.get(address(finished)).content.decode()
    others = stranger.get(address(finished, link)).content.decode()
    say(finished, "down", message="The app ended: no such table")
    for client, waiting, sees in ((owner, page, True), (stranger, others, False)):
        shown = client.get(progress_of(waiting), headers={"HX-Request": "true"}).content.decode()
        assert ("no such table" in shown) is sees
        assert "It could not be opened." in shown
        assert "Try again" in shown
        assert "hx-get" not in shown  # it no longer waits


def test_looking_with_head_wakes_nothing(owner: Client, finished: Any) -> None:
    owner.head(address(finished))
    assert queued() == 0


def test_the_current_build_is_opened_when_its_app_runs(
    owner: Client, finished: Any, running_app: str
) -> None:
    newer = Job.objects.create(
        project=finished.project,
        build_number=2,
        status="code",
        preview_url=running_app,
        created_at=clock.now(),
    )
    AgentSession.objects.create(
        job=newer, user=finished.project.owner, state="working", created_at=clock.now()
    )
    assert owner.get(address(finished))["Location"] == running_app
    assert queued() == 0
    Job.objects.filter(pk=newer.pk).update(preview_url=SILENT)
    assert "Opening" in owner.get(address(finished)).content.decode()  # the finished one, in its own sandbox
    assert ProcrastinateJob.objects.get(task_name=show_app.SHOW).args == {"job_id": str(finished.pk)}


def test_a_project_without_a_finished_build_says_so(owner: Client, build: Job) -> None:
    page = owner.get(address(build))
    assert "Uniform Swap is not ready yet" in page.content.decode()
    assert queued() == 0


def test_strangers_sign_in_first_and_other_founders_find_nothing(
    stranger: Client, other_founder: User, finished: Any
) -> None:
    answer = stranger.get(address(finished))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    stranger.force_login(other_founder)
    assert stranger.get(address(finished)).status_code == 404
    assert stranger.get(reverse("preview-progress", args=[finished.project_id])).status_code == 404
    assert queued() == 0


# Share links


def test_a_share_link_opens_the_app_without_a_login(stranger: Client, build: Job, running_app: str) -> None:
    finish(build, running_app)
    link = share_links.make(build.project, 7)
    assert stranger.get(address(build, link))["Location"] == running_app


def test_a_link_ends_by_itself_when_revoked_and_with_another_project(
    stranger: Client, finished: Any, other_founder: User
) -> None:
    from jobs.briefs import create_project

    link = share_links.make(finished.project, 7)
    theirs = create_project(
        owner=other_founder, name="Other", goal="x", idea_brief={"problem": "x"}, interview=[]
    )
    assert stranger.get(address(finished, link)).status_code == 200
    wrong = address(finished, link).replace(str(finished.project_id), str(theirs.pk))
    assert stranger.get(wrong).status_code == 404
    ShareLink.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    refused = stranger.get(address(finished, link))
    assert refused.status_code == 404
    assert "does not work any more" in refused.content.decode()
    assert (
        stranger.get(reverse("preview-progress", args=[finished.project_id]) + "?link=x").status_code == 404
    )
    ShareLink.objects.update(expires_at=clock.now() + timedelta(days=1))
    share_links.revoke(finished.project, link.pk)
    assert stranger.get(address(finished, link)).status_code == 404


@pytest.mark.parametrize("token", ["x", "0" * 32, f"{'0' * 32}:abc", "ü" * 300])
def test_a_made_up_link_is_refused(stranger: Client, finished: Any, token: str) -> None:
    assert stranger.get(reverse("preview", args=[finished.project_id]), {"link": token}).status_code == 404


def test_the_owner_makes_and_revokes_links_on_the_page(
    owner: Client, stranger: Client, finished: Any
) -> None:
    made = owner.post(
        reverse("share", args=[finished.project_id]), {"days": "7"}, headers={"HX-Request": "true"}
    ).content.decode()
    shown = re.findall(r'value="(http[^"]+)"', made)[0].replace("&amp;", "&")
    assert stranger.get(shown).status_code == 200
    link = ShareLink.objects.get()
    assert timedelta(days=6) < link.expires_at - clock.now() <= timedelta(days=7)
    assert shown in owner.get(reverse("share-links", args=[finished.project_id])).content.decode().replace(
        "&amp;", "&"
    )
    owner.post(reverse("unshare", args=[finished.project_id, link.pk]))
    assert stranger.get(shown).status_code == 404


@pytest.mark.parametrize("days", ["", "0", "-1", "366", "nonsense", "9" * 50])
def test_a_link_for_a_wrong_time_is_refused_with_a_sentence(owner: Client, finished: Any, days: str) -> None:
    answer = owner.post(
        reverse("share", args=[finished.project_id]), {"days": days}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 400
    assert "1 to 365 days" in answer.content.decode()
    assert not ShareLink.objects.exists()


def test_there_are_only_so_many_links(owner: Client, finished: Any) -> None:
    for _ in range(share_links.MOST_LINKS):
        share_links.make(finished.project, 1)
    answer = owner.post(
        reverse("share", args=[finished.project_id]), {"days": "1"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409


def test_nobody_else_makes_sees_or_revokes_links(
    stranger: Client, other_founder: User, finished: Any
) -> None:
    link = share_links.make(finished.project, 7)
    addresses = [
        reverse("share", args=[finished.project_id]),
        reverse("unshare", args=[finished.project_id, link.pk]),
    ]
    for path in addresses:
        assert stranger.post(path, {"days": "1"}).status_code == 302
    stranger.force_login(other_founder)
    for path in addresses:
        assert stranger.post(path, {"days": "1"}).status_code == 404
        assert stranger.get(path).status_code == 405
    assert stranger.get(reverse("share-links", args=[finished.project_id])).status_code == 404
    assert ShareLink.objects.count() == 1


# The panel on the build page


@pytest.mark.parametrize(
    ("path", "words"), [("", "The app answers."), ("blank", "its page is blank"), (None, "The app is down")]
)
def test_the_panel_says_how_the_app_is(
    owner: Client, build: Job, running_app: str, path: str | None, words: str
) -> None:
    finish(build, SILENT if path is None else running_app + path)
    page = owner.get(reverse("app-status", args=[build.pk])).content.decode()
    assert words in page
    assert ("<iframe" in page) is (path is not None)
    assert queued() == 0


def test_the_panel_is_for_the_owner(stranger: Client, other_founder: User, finished: Any) -> None:
    stranger.force_login(other_founder)
    assert stranger.get(reverse("app-status", args=[finished.pk])).status_code == 404
