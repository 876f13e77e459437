"""Archives of workspaces in which many files are written at once, or which cannot be packed."""

import tarfile
import uuid
from pathlib import Path

import pytest
from django.core.files.storage import storages

from agents.database import in_transaction
from agents.errors import SnapshotFailed
from agents.models import Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots.manifest import from_json
from agents.snapshots.pack import Packing
from agents.snapshots.restore import verify_and_restore
from agents.snapshots.transfer import scratch
from jobs import project_secrets
from jobs.models import Job
from tests.agents.conftest import OpenWorkspace
from tests.agents.snapshots.conftest import Take
from tests.agents.snapshots.databases import rows_of, tear_without_end, write_without_end
from tests.agents.snapshots.test_copies import HIDE_PYTHON

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

KEY = "sk-live-123456"


def paths_of(snapshot: Snapshot) -> list[str]:
    return [file.path for file in from_json(snapshot.manifest)]


def copied(snapshot: Snapshot) -> dict[str, str]:
    return {file.path: file.copied for file in from_json(snapshot.manifest)}


MANY = """
import os
for n in range(400):
    with open(f"f{n}", "w") as file: file.write("x" * 1000)
open("begun", "w")
n = 0
while True:
    n += 1
    path = f"f{n * 7 % 400}"
    os.rename(path, "away"); os.rename("away", path)
    with open(path, "r+") as file: file.write(str(n % 10) * 1000)
    open(f"new{n % 50}", "w").close()
    os.remove(f"new{(n + 25) % 50}") if os.path.exists(f"new{(n + 25) % 50}") else None
"""


async def test_of_many_files_that_are_all_written_none_is_missing(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.write("many.py", MANY.encode())
    busy = await workspace.run("exec python3 many.py", background=True)
    await workspace.run("until [ -e begun ]; do sleep 0.02; done")
    for _ in range(3):
        snapshot = await take()
        assert {f"f{n}" for n in range(400)} <= set(paths_of(snapshot))
    await workspace.end_group(busy.group)
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)  # what is listed is in the archive
    mixed = 'for f in f*; do [ "$(tr -d "$(head -c 1 $f)" < $f | wc -c)" = 0 ] || echo $f; done'
    assert (await fresh.run(mixed)).stdout == ""


async def test_a_database_with_a_secret_is_left_out_also_when_only_its_log_has_it(
    workspace: Workspace, take: Take, job: Job
) -> None:
    await in_transaction(project_secrets.keep, job.project_id, {"KEY": KEY})
    program = "import os, sqlite3\nfor name in ('clean.db', 'held.db'):\n"
    program += " d = sqlite3.connect(name, isolation_level=None)\n d.execute('PRAGMA journal_mode = wal')\n"
    program += " d.execute('CREATE TABLE t (text)')\n"
    program += f" if name == 'held.db': d.execute('INSERT INTO t VALUES (?)', ('{KEY}',))\n"
    await workspace.script('cd app; python3 -c "$1"; true', program + "os.kill(os.getpid(), 9)")
    snapshot = await take()
    assert workspace.left_out == ["held.db"]
    assert paths_of(snapshot) == ["clean.db"]
    with storages["snapshots"].open(snapshot.key) as stored, tarfile.open(fileobj=stored) as tar:
        assert tar.getnames() == ["clean.db"]


async def test_where_the_newest_archive_is_damaged_the_copy_comes_from_the_one_before(
    workspace: Workspace, take: Take
) -> None:
    await workspace.run("truncate -s 80M large")
    good = await take()
    await workspace.run("echo 1 > other")
    damaged = await take()
    Path(storages["snapshots"].path(damaged.key)).write_bytes(b"half")
    await tear_without_end(workspace)
    kept = {file.path: file for file in from_json((await take()).manifest)}["large"]
    assert kept.copied == "kept"
    assert kept.sha256 == {file.path: file for file in from_json(good.manifest)}["large"].sha256
    for snapshot in (good, damaged):
        Path(storages["snapshots"].path(snapshot.key)).unlink()


async def test_without_python_a_database_under_a_writer_stays_in_the_snapshots_too(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    busy = await write_without_end(workspace, "app.db", "wal")
    await workspace.end_group(busy)
    first = await take()
    await write_without_end(workspace, "app.db", "wal", pause=0.001)
    await workspace.script(HIDE_PYTHON)
    for _ in range(2):
        snapshot = await take()
        assert {"app.db", "committed"} <= set(paths_of(snapshot))
    assert (await verify_and_restore(workspace, snapshot)).files == []  # nobody could tell: it stays
    assert (await verify_and_restore(workspace, first)).files == []
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    assert await rows_of(fresh, "app.db") > [0]


async def test_only_some_directories_can_be_packed(workspace: Workspace, job: Job) -> None:
    await workspace.run("mkdir -p data/a database; echo 1 > data/a/b; echo 2 > database/c; echo 3 > d")
    await write_without_end(workspace, "data/app.db", "wal")
    async with scratch(workspace) as name:
        packing = Packing(workspace, name, project_id=uuid.uuid4(), job_id=job.pk, below=["data"])
        files, sha256 = await packing.archive(await packing.list())
        assert [file.path for file in files] == ["data/a/b", "data/app.db"]
        packed = await workspace.script(
            'cd .cofounder/snapshots; tar -tzf "$1.tar.gz"; sha256sum "$1.tar.gz"', name
        )
        assert packed.split()[:3] == ["data/a/b", "data/app.db", sha256]


@pytest.mark.parametrize("what", ["a database", "a file"])
async def test_what_is_too_large_for_the_sandbox_is_told_in_words(
    workspace: Workspace, take: Take, what: str
) -> None:
    await workspace.write("a", b"1")
    first = await take()
    if what == "a file":
        await workspace.run("head -c 3000000 /dev/urandom > noise")
    else:
        program = "import sqlite3; d = sqlite3.connect('app.db'); d.execute('CREATE TABLE t (b)')\n"
        program += "d.execute('INSERT INTO t VALUES (randomblob(3000000))'); d.commit()"
        await workspace.run(f'python3 -c "{program}"')
    await workspace.script("echo 'ulimit -f 2000' >> .profile")
    with pytest.raises(SnapshotFailed, match="too large"):
        await take()
    assert (await verify_and_restore(workspace, first)).files == []
