"""`manage.py prune`: what is removed, and above all what is kept."""

import json
import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection
from knox.models import AuthToken
from pytest_django import Settings

from agents.models import AgentMessage, AgentSession, Snapshot, SpendEntry
from cofounder.models import User
from jobs import clock, events
from jobs.models import EventType, Job, JobStatus, Project
from tests.cofounder.admin.test_ledger import spent

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=500)


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "snapshots": local}


def prune(*options: Any) -> dict[Any, Any]:
    out = StringIO()
    call_command("prune", "--json", *options, stdout=out)
    found = json.loads(out.getvalue())
    return {name: count for name, count in found.items() if name != "deleted" and count}


def ended(
    project: Project, number: int, *, age: timedelta = LONG_AGO, status: JobStatus = JobStatus.READY
) -> Job:
    """A build that ended so long ago, with a transcript, a log and three snapshots."""
    moment = clock.now() - age
    job = Job.objects.create(
        project=project, build_number=number, status=status, created_at=moment, finished_at=moment
    )
    session = AgentSession.objects.create(job=job, user=project.owner, model="m", created_at=moment)
    AgentMessage.objects.create(session=session, position=1, role="user", content=[], created_at=moment)
    events.record(job.pk, EventType.AGENT_NARRATION, text="Hello", phase="")
    for place, reason in enumerate(("checkpoint", "sleep", "final")):
        keep(job, f"{number}{place}", reason, moment + timedelta(seconds=place))
    return job


def keep(job: Job, name: str, reason: Any, moment: Any) -> None:
    key = f"projects/{job.project_id}/snapshots/{name}.tar.gz"
    storages["snapshots"].save(key, ContentFile(b"files"))
    Snapshot.objects.create(
        project=job.project,
        job=job,
        key=key,
        size=5,
        sha256="",
        manifest=[],
        reason=reason,
        created_at=moment,
    )


def test_without_the_option_nothing_is_removed(project: Project) -> None:
    ended(project, 1)
    ended(project, 2)
    before = (AgentMessage.objects.count(), Snapshot.objects.count())
    out = StringIO()
    call_command("prune", stdout=out)
    assert "Add --delete" in out.getvalue()
    assert (AgentMessage.objects.count(), Snapshot.objects.count()) == before
    assert prune() == {"transcripts": 1, "snapshots": 2}


def test_a_replaced_build_keeps_its_log_its_files_and_its_money(project: Project) -> None:
    old, new = ended(project, 1), ended(project, 2)
    spent(AgentSession.objects.select_related("user").get(pk=old.pk), clock.today() - LONG_AGO, 5)
    assert prune("--delete") == {"transcripts": 1, "snapshots": 2}
    assert not AgentMessage.objects.filter(session=old.pk).exists()
    assert old.events.count() == 1
    (final,) = Snapshot.objects.filter(job=old)
    assert final.reason == "final"
    assert storages["snapshots"].exists(final.key)
    assert SpendEntry.objects.get().cost_microdollars == 5
    assert AgentMessage.objects.filter(session=new.pk).count() == 1
    assert Snapshot.objects.filter(job=new).count() == 3
    assert prune() == {}


def test_the_newest_build_and_a_recent_one_keep_everything(project: Project) -> None:
    ended(project, 1, age=timedelta(days=80))
    ended(project, 2)
    assert prune("--delete") == {}


def test_a_stopped_build_keeps_its_newest_files(project: Project) -> None:
    old = ended(project, 1, status=JobStatus.CANCELLED)
    Snapshot.objects.filter(job=old, reason="final").update(reason="end")
    ended(project, 2)
    prune("--delete")
    assert [snapshot.reason for snapshot in Snapshot.objects.filter(job=old)] == ["end"]


def test_nothing_goes_while_a_build_of_the_project_runs_on_its_files(project: Project) -> None:
    old = ended(project, 1)
    Job.objects.create(project=project, build_number=2, created_at=clock.now())
    assert "snapshots" not in prune("--delete")
    assert Snapshot.objects.filter(job=old).count() == 3


def test_a_snapshot_that_a_build_went_back_to_stays(project: Project) -> None:
    old, new = ended(project, 1), ended(project, 2)
    first = Snapshot.objects.get(job=old, reason="checkpoint")
    AgentSession.objects.filter(pk=new.pk).update(goes_back_to=first)
    prune("--delete")
    assert Snapshot.objects.filter(pk=first.pk).exists()


def test_archives_nobody_knows_go_after_a_day(project: Project) -> None:
    old, fresh = (f"projects/{project.pk}/snapshots/{name}.tar.gz" for name in ("old", "fresh"))
    for key in (old, fresh):
        storages["snapshots"].save(key, ContentFile(b"?"))
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(storages["snapshots"].path(old), (long_ago, long_ago))
    assert prune("--delete") == {"strays": 1}
    assert storages["snapshots"].exists(fresh)


def test_expired_sign_ins_tokens_and_old_tasks_go(founder: User, job: Job) -> None:
    Session.objects.create(
        session_key="old", session_data="", expire_date=datetime.now(UTC) - timedelta(days=1)
    )
    Session.objects.create(
        session_key="new", session_data="", expire_date=datetime.now(UTC) + timedelta(days=1)
    )
    AuthToken.objects.create(founder, expiry=timedelta(days=-1))
    AuthToken.objects.create(founder)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '31 days'")
    assert prune("--delete") == {"sign-ins": 1, "tokens": 1, "queue": 1}
    assert (Session.objects.get().session_key, AuthToken.objects.count()) == ("new", 1)


def test_a_waiting_task_is_never_removed(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '900 days'")
    assert prune("--delete") == {}


def test_reservations_given_back_go_and_what_cost_something_stays(job: Job) -> None:
    session = AgentSession.objects.select_related("user").get(pk=job.pk)
    long_ago = clock.today() - timedelta(days=100)
    spent(session, long_ago, 0, status="released")
    spent(session, long_ago, 7, status="released")
    spent(session, long_ago, 9)
    assert prune("--delete") == {"reservations": 1}
    assert sorted(SpendEntry.objects.values_list("cost_microdollars", flat=True)) == [7, 9]
