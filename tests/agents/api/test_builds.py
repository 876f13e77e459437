import hashlib
import io
import tarfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import AsyncClient, Client
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.models import (
    AgentMessage,
    AgentSession,
    BuildDocument,
    DailyBudget,
    SessionState,
    Snapshot,
    SpendEntry,
)
from cofounder.models import User
from jobs import clock
from jobs.models import Job, Project
from tests.agents.streams import body_of
from tests.races import at_once

READ = ["status", "messages", "transcript", "documents", "spend", "code.zip"]
VERBS = ["wake", "pause", "resume", "cancel"]


@pytest.fixture(autouse=True)
def _own_files(settings: Settings, tmp_path: Path) -> None:
    location = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "snapshots": location}


def start(api: APIClient, project: Project, **fields: Any) -> Any:
    return api.post("/api/generation/start", {"project_id": str(project.pk), **fields})


def test_a_start_gives_the_job(api: APIClient, project: Project) -> None:
    answer = start(api, project, goal="The list first")
    assert answer.status_code == 201
    job = project.jobs.get()
    assert answer.json() == {"job_id": str(job.pk), "status": "queued"}
    assert job.goal == "The list first"


def test_the_same_key_gives_200_and_the_same_job(api: APIClient, project: Project) -> None:
    body, headers = {"project_id": str(project.pk)}, {"Idempotency-Key": "k1"}
    first, second = (api.post("/api/generation/start", body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize("key", ["a" * 201, "a\x07"])
def test_a_nonsensical_key_is_refused(api: APIClient, project: Project, key: str) -> None:
    body = {"project_id": str(project.pk)}
    assert api.post("/api/generation/start", body, headers={"Idempotency-Key": key}).status_code == 400


def test_a_second_build_gets_409(api: APIClient, project: Project, build: Job) -> None:
    answer = start(api, project)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_a_switched_off_install_gets_503_with_a_sentence(
    api: APIClient, project: Project, settings: Settings
) -> None:
    settings.AUTONOMOUS_AGENT = False
    answer = start(api, project)
    assert answer.status_code == 503
    assert "switched off" in answer.json()["error"]["message"]


def test_without_money_it_gets_402(api: APIClient, project: Project, founder: User) -> None:
    founder.subscription.suspended = True
    founder.subscription.save()
    assert start(api, project).status_code == 402


def test_while_suspended_a_paused_build_is_not_resumed_and_no_state_brought_back(
    api: APIClient, build: Job, founder: User
) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.PAUSED)
    snapshot = Snapshot.objects.create(
        **{"project": build.project, "job": build, "key": "a.tar.gz", "size": 1, "sha256": "0" * 64},
        **{"manifest": [], "reason": "checkpoint", "created_at": clock.now()},
    )
    founder.subscription.suspended = True
    founder.subscription.save()
    assert api.post(f"/api/jobs/{build.pk}/resume").status_code == 402
    assert api.post(f"/api/jobs/{build.pk}/restore", {"snapshot_id": str(snapshot.pk)}).status_code == 402


@pytest.mark.parametrize("project_id", [str(uuid.UUID(int=7)), "seven", "", 5])
def test_an_unknown_project_cannot_be_started(api: APIClient, project_id: str | int) -> None:
    answer = api.post("/api/generation/start", {"project_id": project_id})
    assert answer.status_code == (400 if project_id == "" else 404)


def test_another_founder_s_project_cannot_be_started(other_api: APIClient, project: Project) -> None:
    assert start(other_api, project).status_code == 404
    assert not project.jobs.exists()


@pytest.mark.parametrize("goal", ["a" * 50_001, "a\x07", ["a"]])
def test_a_bad_goal_starts_nothing(api: APIClient, project: Project, goal: str | list[str]) -> None:
    assert start(api, project, goal=goal).status_code == 400
    assert not project.jobs.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_starts_at_once_one_gets_201_and_one_409(founder: User, project: Project) -> None:
    def begin() -> int:
        client = APIClient()
        client.force_authenticate(founder)
        return start(client, project).status_code

    assert sorted(at_once(begin, begin)) == [201, 409]


def test_the_status_has_every_figure(api: APIClient, build: Job, founder: User) -> None:
    day: dict[str, Any] = {"allowance_microdollars": 1000, "spent_microdollars": 459}
    DailyBudget.objects.create(user=founder, day=clock.today(), **day)
    wake_at = clock.next_midnight(clock.now())
    AgentSession.objects.update(state="sleeping", wake_at=wake_at, current_phase="List", iteration=7)
    answer = api.get(f"/api/jobs/{build.pk}/status").json()
    last = build.events.get().created_at
    assert answer.pop("last_event_at") == last.isoformat().replace("+00:00", "Z")
    assert answer.pop("wake_at") == wake_at.isoformat().replace("+00:00", "Z")
    assert answer == {
        "job_id": str(build.pk),
        "status": "queued",
        "status_message": "Waiting for a worker",
        "agent_state": "sleeping",
        "current_phase": "List",
        "iteration": 7,
        "budget_pct": 45,
        "pending_escalations": 0,
        "preview_url": "",
        "build_version": "build_v0_1",
        "started_at": None,
        "last_seq": 1,
    }


def test_a_day_without_a_call_is_at_0_percent(api: APIClient, build: Job) -> None:
    assert api.get(f"/api/jobs/{build.pk}/status").json()["budget_pct"] == 0


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("wake", "sleeping", "sleeping"),
        ("pause", "sleeping", "paused"),
        ("resume", "paused", "queued"),
        ("cancel", "working", "cancelled"),
    ],
)
def test_a_verb_is_accepted_where_the_state_allows_it(
    api: APIClient, build: Job, verb: str, before: str, after: str
) -> None:
    AgentSession.objects.update(state=before)
    answer = api.post(f"/api/jobs/{build.pk}/{verb}")
    assert (answer.status_code, answer.json()["agent_state"]) == (202, after)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_gets_409_where_the_state_does_not_allow_it(api: APIClient, build: Job, verb: str) -> None:
    api.post(f"/api/jobs/{build.pk}/cancel")
    answer = api.post(f"/api/jobs/{build.pk}/{verb}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_a_message_is_kept_and_listed(api: APIClient, build: Job) -> None:
    answer = api.post(f"/api/jobs/{build.pk}/messages", {"text": "Blue, please."})
    assert (answer.status_code, answer.json()["text"]) == (201, "Blue, please.")
    assert [row["delivered_at"] for row in api.get(f"/api/jobs/{build.pk}/messages").json()] == [None]


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": "a" * 10_001}, {"text": "\x07"}, {"text": ["a"]}]
)
def test_a_bad_message_gets_400(api: APIClient, build: Job, body: dict[str, Any]) -> None:
    assert api.post(f"/api/jobs/{build.pk}/messages", body).status_code == 400


def test_the_transcript_is_verbatim_and_in_order(api: APIClient, build: Job) -> None:
    content = [{"type": "text", "text": "Hello"}]
    for position in (1, 2):
        AgentMessage.objects.create(
            session_id=build.pk, position=position, role="user", content=content, created_at=clock.now()
        )
    answer = api.get(f"/api/jobs/{build.pk}/transcript?after=1").json()
    assert [(row["position"], row["content"]) for row in answer] == [(2, content)]


def test_documents_are_shown(api: APIClient, build: Job) -> None:
    BuildDocument.objects.create(job=build, section="faq", content="Q and A", updated_at=clock.now())
    rows = api.get(f"/api/jobs/{build.pk}/documents").json()
    assert [(row["section"], row["content"]) for row in rows] == [("faq", "Q and A")]


def test_spend_sums_settled_calls_by_day_and_phase(api: APIClient, build: Job, founder: User) -> None:
    for phase, cost, retry in (("List", 30, False), ("List", 20, True), ("Form", 5, False)):
        SpendEntry.objects.create(
            user=founder,
            session_id=build.pk,
            phase=phase,
            day=clock.today(),
            model="claude-sonnet-5-5",
            status="settled",
            reserved_microdollars=100,
            max_tokens=1,
            cost_microdollars=cost,
            price_version="1",
            is_retry=retry,
            created_at=clock.now(),
        )
    answer = api.get(f"/api/jobs/{build.pk}/spend").json()
    assert (answer["calls"], answer["cost_microdollars"], answer["retry_cost_microdollars"]) == (3, 55, 20)
    assert answer["by_phase"] == [
        {"phase": "Form", "cost_microdollars": 5, "retry_cost_microdollars": 0},
        {"phase": "List", "cost_microdollars": 50, "retry_cost_microdollars": 20},
    ]
    today = {"day": clock.today().isoformat(), "cost_microdollars": 55, "retry_cost_microdollars": 20}
    assert answer["by_day"] == [today]


def test_the_budget_shows_day_and_period(api: APIClient, founder: User) -> None:
    day: dict[str, Any] = {
        "allowance_microdollars": 1000,
        "spent_microdollars": 1500,
        "reserved_microdollars": 7,
    }
    DailyBudget.objects.create(user=founder, day=clock.today(), **day)
    answer = api.get("/api/budget").json()
    assert answer == {
        "day": clock.today().isoformat(),
        **day,
        "budget_pct": 100,
        "used_pct": 150,
        "period_budget_microdollars": 60_000_000,
        "period_remaining_microdollars": 59_998_500,
        "renews_on": founder.subscription.renews_on.isoformat(),
    }


def test_the_budget_of_an_untouched_day_is_what_it_would_be(api: APIClient) -> None:
    answer = api.get("/api/budget").json()
    assert (answer["allowance_microdollars"], answer["budget_pct"]) == (2_000_000, 0)


def snapshot(build: Job, files: dict[str, bytes]) -> Snapshot:
    """Store a snapshot with these files, a link, and a path that leads outside."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    key = storages["snapshots"].save(
        f"projects/{build.project_id}/snapshots/a.tar.gz", ContentFile(packed.getvalue())
    )
    return Snapshot.objects.create(
        project=build.project,
        job=build,
        key=key,
        size=len(packed.getvalue()),
        sha256=hashlib.sha256(packed.getvalue()).hexdigest(),
        manifest=[],
        reason="end",
        created_at=clock.now(),
    )


def test_the_code_comes_as_a_zip_of_the_regular_files(build: Job, founder: User) -> None:
    snapshot(build, {"app/main.py": b"print()\n", "../evil": b"x", "/abs": b"x"})
    client = AsyncClient()
    client.force_login(founder)

    async def fetch() -> tuple[Any, bytes]:
        answer = await client.get(f"/api/jobs/{build.pk}/code.zip")
        return answer, await body_of(answer)

    answer, content = async_to_sync(fetch)()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert answer["Content-Disposition"] == 'attachment; filename="build_v0_1.zip"'
    assert archive.namelist() == ["app/main.py"]
    assert archive.read("app/main.py") == b"print()\n"
    assert archive.infolist()[0].external_attr >> 16 & 0o777 == 0o755


def test_a_build_without_a_snapshot_has_no_code_yet(api: APIClient, build: Job) -> None:
    answer = api.get(f"/api/jobs/{build.pk}/code.zip")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        "There is no code of this build yet.",
    )


def test_a_lost_file_gets_503_with_a_sentence(api: APIClient, build: Job) -> None:
    storages["snapshots"].delete(snapshot(build, {"a": b"b"}).key)
    assert api.get(f"/api/jobs/{build.pk}/code.zip").status_code == 503


@pytest.mark.django_db(transaction=True)
def test_deleting_a_project_stops_its_build_and_removes_its_files(api: APIClient, build: Job) -> None:
    key = snapshot(build, {"a": b"b"}).key
    assert api.delete(f"/api/projects/{build.project_id}").status_code == 204
    assert not Project.objects.exists()
    assert not storages["snapshots"].exists(key)
    assert api.get(f"/api/jobs/{build.pk}").status_code == 404


@pytest.mark.parametrize("name", READ)
def test_another_founder_reads_nothing(other_api: APIClient, build: Job, name: str) -> None:
    assert other_api.get(f"/api/jobs/{build.pk}/{name}").status_code == 404


@pytest.mark.parametrize("verb", [*VERBS, "messages"])
def test_another_founder_changes_nothing(other_api: APIClient, build: Job, verb: Any) -> None:
    AgentSession.objects.update(state=SessionState.SLEEPING)
    assert other_api.post(f"/api/jobs/{build.pk}/{verb}", {"text": "hi"}).status_code == 404
    assert AgentSession.objects.get().state == "sleeping"


@pytest.mark.parametrize("name", READ)
def test_a_missing_job_is_not_there(api: APIClient, name: str) -> None:
    assert api.get(f"/api/jobs/{uuid.uuid4()}/{name}").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("name", [*VERBS, "messages", "status"])
def test_wrong_methods_are_refused(api: APIClient, build: Job, name: Any) -> None:
    assert api.put(f"/api/jobs/{build.pk}/{name}").status_code == 405
    assert api.get("/api/generation/start").status_code == 405


@pytest.mark.parametrize(
    "path", ["/api/budget", "/api/generation/start", "/api/jobs/{}/status", "/api/jobs/{}/cancel"]
)
def test_signed_out_nothing_works(client: Client, build: Job, path: str) -> None:
    assert client.post(path.format(build.pk)).status_code == 401
