"""Exporting and deleting an account."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import AsyncClient, Client
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.actions import money
from agents.actions.account import delete_account
from agents.actions.start import start_build
from agents.budget import ledger
from agents.models import (
    AgentMessage,
    AgentSession,
    BudgetChange,
    BuildDocument,
    DailyBudget,
    Snapshot,
    SpendEntry,
)
from agents.usage import Usage
from cofounder.models import User
from jobs import clock, events
from jobs.briefs import create_project
from jobs.models import EventType, Job, Project, ProjectSecret
from tests.agents.streams import body_of
from tests.conftest import BRIEF


@pytest.fixture(autouse=True)
def _own_files(settings: Settings, tmp_path: Path) -> None:
    backend = "django.core.files.storage.FileSystemStorage"
    own = {
        name: {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / name)}}
        for name in ("default", "snapshots")
    }
    settings.STORAGES = {**settings.STORAGES, **own}


def shot_of(build: Job) -> str:
    return f"projects/{build.project_id}/screenshots/a.webp"


@pytest.fixture
def full(build: Job) -> Any:
    """A build that has one of everything."""
    moment = clock.now()
    AgentMessage.objects.create(
        session_id=build.pk,
        position=1,
        role="user",
        content=[{"type": "text", "text": "Hi"}],
        created_at=moment,
    )
    BuildDocument.objects.create(job=build, section="faq", content="# Why\n", updated_at=moment)
    ProjectSecret.objects.create(project=build.project, name="STRIPE_KEY", value="sk-never-told")
    key = storages["snapshots"].save(
        f"projects/{build.project_id}/snapshots/1.tar.gz", ContentFile(b"archive")
    )
    Snapshot.objects.create(
        project=build.project,
        job=build,
        key=key,
        size=7,
        sha256="0" * 64,
        manifest=[],
        reason="checkpoint",
        created_at=moment,
    )
    shot = storages["default"].save(shot_of(build), ContentFile(b"RIFF"))
    events.record(build.pk, EventType.TOOL_FINISHED, image=shot, tool="take_screenshot", call_id="c")
    return build


def spend(build: Job, used: Usage) -> None:
    """A call that the build has paid for, in a phase with a name."""
    session = AgentSession.objects.get(pk=build.pk)
    session.current_phase = "The login of Founder"
    ledger.settle(ledger.reserve(session, 10_000).entry_id, used)


def exported(founder: User) -> zipfile.ZipFile:
    client = AsyncClient()
    client.force_login(founder)

    async def fetch() -> bytes:
        answer = await client.get("/api/account/export", headers={"accept": "application/zip"})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
        return await body_of(answer)

    return zipfile.ZipFile(io.BytesIO(async_to_sync(fetch)()))


def delete(api: APIClient, confirm: str) -> Any:
    return api.post("/api/account/delete", {"confirm": confirm})


def test_the_export_holds_everything_but_the_values_of_secrets(founder: User, full: Any) -> None:
    archive = exported(founder)
    assert archive.testzip() is None
    folder = f"projects/Uniform-Swap-{str(full.project_id)[:8]}"
    build = f"{folder}/build_v0_1"
    assert set(archive.namelist()) == {
        "account.json",
        f"{folder}/project.json",
        f"{folder}/snapshots/1.tar.gz",
        f"{build}/build.json",
        f"{build}/documents/faq.md",
        f"{build}/images/a.webp",
        *(
            f"{build}/{name}.jsonl"
            for name in ("events", "transcript", "questions", "messages", "spend", "phases")
        ),
    }
    told = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(told["account.json"])["email"] == founder.email
    project = json.loads(told[f"{folder}/project.json"])
    assert project["secrets"] == ["STRIPE_KEY"]
    assert project["briefs"][0]["current_content"]["must_have"]
    assert json.loads(told[f"{build}/transcript.jsonl"])["content"] == [{"type": "text", "text": "Hi"}]
    assert json.loads(told[f"{build}/events.jsonl"].splitlines()[0])["seq"] == 1
    assert told[f"{folder}/snapshots/1.tar.gz"] == b"archive"
    assert not any(b"never-told" in content for content in told.values())


def test_a_file_that_is_lost_does_not_keep_the_others(founder: User, full: Any) -> None:
    storages["snapshots"].delete(Snapshot.objects.get().key)
    archive = exported(founder)
    (name,) = [name for name in archive.namelist() if name.endswith("1.tar.gz")]
    assert b"could not be read" in archive.read(name)
    assert len(archive.namelist()) == 12


def test_the_export_is_sent_while_it_is_made(founder: User, full: Any) -> None:
    from agents.actions.export import export

    pieces = export(founder)
    assert b"account.json" in next(pieces)
    assert len(list(pieces)) > 5


def test_an_export_of_nothing_is_the_account_alone(other_founder: User) -> None:
    assert exported(other_founder).namelist() == ["account.json"]


@pytest.mark.django_db(transaction=True)
def test_deletion_ends_sandboxes_files_and_rows_of_this_founder_alone(
    api: APIClient, founder: User, other_founder: User, full: Any
) -> None:
    AgentSession.objects.filter(pk=full.pk).update(sandbox_id="sandbox-1")
    Project.objects.create(owner=other_founder, name="Another", created_at=clock.now())
    assert delete(api, "  Founder@Example.com ").status_code == 204
    assert not User.objects.filter(pk=founder.pk).exists()
    assert [project.name for project in Project.objects.all()] == ["Another"]
    assert not Job.objects.exists()
    assert not storages["snapshots"].exists(f"projects/{full.project_id}/snapshots/1.tar.gz")
    assert not storages["default"].exists(shot_of(full))
    ended = ProcrastinateJob.objects.filter(args__sandbox_id="sandbox-1")
    assert ended.count() == 1
    assert api.get("/api/projects").status_code == 401


def test_the_ledger_keeps_the_money_of_a_founder_who_leaves_without_their_name(
    api: APIClient, founder: User, admin: User, other_founder: User, full: Any, settings: Settings
) -> None:
    money.top_up(founder, 5_000_000, by=admin, reason="for Founder's birthday")
    spend(full, Usage(output_tokens=1000))
    assert delete(api, founder.email).status_code == 204
    entry, day, change = SpendEntry.objects.get(), DailyBudget.objects.get(), BudgetChange.objects.get()
    assert (entry.cost_microdollars, entry.user, entry.session, entry.phase) == (10_000, None, None, "")
    assert (day.spent_microdollars, day.user) == (10_000, None)
    assert (change.amount_microdollars, change.user, change.reason) == (5_000_000, None, "")
    settings.MAX_DAILY_SPEND = 60_000  # of which 10,000 are spent
    other = start_build(
        create_project(owner=other_founder, name="N", goal="G", idea_brief=BRIEF, interview=[])
    )
    assert ledger.reserve(AgentSession.objects.get(pk=other[0].pk), 0).max_tokens == 5_000


def test_a_call_under_way_while_its_founder_leaves_is_billed(
    api: APIClient, founder: User, full: Any
) -> None:
    grant = ledger.reserve(AgentSession.objects.get(pk=full.pk), 10_000)
    assert delete(api, founder.email).status_code == 204
    ledger.settle_late(grant.entry_id, Usage(output_tokens=1000))
    ledger.settle_late(grant.entry_id, Usage(output_tokens=1000))
    assert SpendEntry.objects.get().cost_microdollars == 10_000
    assert DailyBudget.objects.get().spent_microdollars == 10_000


def test_two_founders_of_one_day_may_leave(founder: User, other_founder: User) -> None:
    for person in (founder, other_founder):
        DailyBudget.objects.create(user=person, day=clock.today(), allowance_microdollars=1)
        delete_account(person, person.email)
    assert DailyBudget.objects.filter(user=None).count() == 2


@pytest.mark.parametrize("confirm", ["", "yes", "other@example.com"])
def test_without_the_account_s_own_address_nothing_is_deleted(
    api: APIClient, full: Any, confirm: str
) -> None:
    answer = delete(api, confirm)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["confirm"])
    assert Job.objects.filter(pk=full.pk, status="queued").exists()


def test_an_administrator_is_not_deleted_here(client: Client, admin: User) -> None:
    client.force_login(admin)
    answer = client.post("/api/account/delete", {"confirm": admin.email}, content_type="application/json")
    assert (answer.status_code, "Another administrator" in answer.json()["error"]["message"]) == (409, True)


def test_signed_out_nothing_is_exported_or_deleted(client: Client, db: None) -> None:
    assert client.post("/api/account/delete").status_code == 401
    assert client.get("/api/account/export").status_code == 401


def test_a_right_in_the_admin_keeps_the_account_and_staff_without_one_may_go(
    client: Client, founder: User, other_founder: User
) -> None:
    founder.user_permissions.add(Permission.objects.get(codename="view_budgetchange"))
    other_founder.is_staff = True
    other_founder.save(update_fields=["is_staff"])
    answers = []
    for user in (founder, other_founder):
        client.force_login(user)
        answers.append(client.post("/settings/delete", {"confirm": user.email}))
    assert list(User.objects.values_list("email", flat=True)) == [founder.email]
