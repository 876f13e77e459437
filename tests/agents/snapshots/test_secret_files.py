"""Files that contain a founder's secret are left out of snapshots, and no other files are."""

import io
import tarfile
from typing import Any

import pytest
from django.core.files.storage import storages

from agents.database import in_transaction
from agents.errors import SnapshotFailed
from agents.models import Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots import save
from agents.snapshots.manifest import from_json
from agents.snapshots.restore import verify_and_restore
from agents.snapshots.secret_files import lines_of
from jobs import project_secrets
from jobs.models import Job, Project
from tests.agents.conftest import OpenWorkspace

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

KEY = "sk-live-123456"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----"
FILES = rf"""
mkdir -p conf 'a dir'
echo 'STRIPE={KEY}' > .env
printf 'x{KEY}y' > conf/settings.bin
printf '%s' '{PEM}' > $'a dir/new\nline.pem'
printf '%s' '-----BEGIN KEY-----' > conf/other.pem
echo 'STRIPE=$STRIPE_KEY' > conf/run.sh
ln -s .env link
printf '\0\xff{KEY}' > $'caf\xe9'
"""
HELD = ["a dir/new\nline.pem", "caf\udce9", "conf/settings.bin", ".env"]


@pytest.fixture
def job(project: Project) -> Job:
    project_secrets.keep(project.pk, {"STRIPE_KEY": KEY, "SIGNING_KEY": PEM})
    return Job.objects.create(project=project, build_number=1, created_at=project.created_at)


async def take(workspace: Workspace, job: Job) -> Any:
    return await save.take(
        workspace, project_id=job.project_id, job_id=job.pk, reason=Snapshot.Reason.CHECKPOINT
    )


def archive_of(snapshot: Snapshot) -> dict[str, bytes]:
    with (
        storages["snapshots"].open(snapshot.key) as stored,
        tarfile.open(fileobj=io.BytesIO(stored.read())) as tar,
    ):
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


async def test_only_what_holds_a_secret_is_left_out_and_named(workspace: Workspace, job: Job) -> None:
    await workspace.run(FILES)
    snapshot = await take(workspace, job)
    paths = {file.path for file in from_json(snapshot.manifest)}
    assert workspace.left_out == sorted(HELD)
    assert paths == {"conf/other.pem", "conf/run.sh", "link"}
    archive = archive_of(snapshot)
    assert set(archive) == {"conf/other.pem", "conf/run.sh"}
    assert not any(KEY.encode() in content for content in archive.values())


async def test_what_is_left_out_is_no_change_and_breaks_no_restore(workspace: Workspace, job: Job) -> None:
    await workspace.run("echo 1 > a.txt")
    first = await take(workspace, job)
    await workspace.run(f"echo {KEY} > .env")
    assert (await take(workspace, job)).pk == first.pk
    assert workspace.left_out == [".env"]
    await workspace.run("rm a.txt")
    restored = await verify_and_restore(workspace, first)
    assert restored.files == ["a.txt"]
    assert (await workspace.read(".env")).decode().strip() == KEY


async def test_a_file_that_gets_a_secret_later_leaves_the_snapshots(workspace: Workspace, job: Job) -> None:
    await workspace.run("echo 1 > a.txt; echo 2 > .env")
    await take(workspace, job)
    await workspace.run(f"echo {KEY} > .env")
    assert [file.path for file in from_json((await take(workspace, job)).manifest)] == ["a.txt"]
    await workspace.run("echo 3 > .env")
    assert [file.path for file in from_json((await take(workspace, job)).manifest)] == [".env", "a.txt"]


async def test_a_workspace_opened_without_its_secrets_saves_none(
    open_workspace: OpenWorkspace, job: Job
) -> None:
    workspace = await open_workspace(envs={})
    await workspace.run(f"echo {KEY} > .env; echo 1 > a.txt")
    assert [file.path for file in from_json((await take(workspace, job)).manifest)] == ["a.txt"]


async def test_a_file_that_changes_under_the_packing_saves_no_secret(workspace: Workspace, job: Job) -> None:
    writing = f"while true; do echo {KEY} > .env; echo none > .env; done"
    await workspace.run("echo 1 > a.txt")
    await workspace.run(writing, background=True)
    for _ in range(3):
        try:
            snapshot = await take(workspace, job)
        except SnapshotFailed:
            continue
        assert not any(KEY.encode() in content for content in archive_of(snapshot).values())
    await workspace.end_all_groups()


async def test_without_secrets_nothing_is_looked_for(workspace: Workspace, job: Job) -> None:
    await in_transaction(job.project.secrets.all().delete)
    await workspace.run(f"echo {KEY} > .env")
    assert [file.path for file in from_json((await take(workspace, job)).manifest)] == [".env"]


def test_a_value_of_many_lines_is_found_by_its_longest() -> None:
    assert lines_of([PEM, f" {KEY}\n", "a\nb\nc"]) == ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", KEY]
