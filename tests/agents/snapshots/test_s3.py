"""Snapshots in S3: reachable, unreachable, slow, cut off, damaged; two at once; a worker killed midway."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.db import connection
from pytest_django import Settings

from agents.database import in_transaction
from agents.errors import SnapshotDamaged, SnapshotFailed, StorageRefused
from agents.models import Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots import history, save
from agents.snapshots.code_zip import code_zip
from agents.snapshots.restore import restore_newest, verify_and_restore
from cofounder.config.file_storage import storage
from jobs.models import Job
from tests.agents import s3
from tests.agents.conftest import OpenWorkspace

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Take = Callable[..., Coroutine[Any, Any, Snapshot]]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def moto() -> Iterator[int]:
    with s3.server() as port:
        yield port


@pytest.fixture
def bucket(moto: int, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{uuid.uuid4()}"
    s3.client(moto).create_bucket(Bucket=name)
    return name


@pytest.fixture
def road(moto: int) -> Iterator[s3.Road]:
    way = s3.Road(moto)
    yield way
    way.end()


@pytest.fixture
def in_s3(e2b: str, bucket: str, road: s3.Road, settings: Settings, tmp_path: Path) -> None:
    """The settings that PROJECT_SNAPSHOT_BUCKET and AWS_ENDPOINT_URL_S3 lead to."""
    endpoint = f"http://127.0.0.1:{road.port}"
    made = storage("snapshots", bucket=bucket, endpoint=endpoint, data_dir=tmp_path)
    settings.STORAGES = {**settings.STORAGES, "snapshots": made}


@pytest.fixture
def take(workspace: Workspace, job: Job, in_s3: None) -> Take:
    async def take_(where: Workspace = workspace) -> Any:
        return await save.take(
            where, project_id=job.project_id, job_id=job.pk, reason=Snapshot.Reason.CHECKPOINT
        )

    return take_


async def rows() -> list[Snapshot]:
    return await in_transaction(lambda: list(Snapshot.objects.all()))


def keys(moto: int, bucket: str) -> list[str]:
    return [each["Key"] for each in s3.client(moto).list_objects_v2(Bucket=bucket).get("Contents", [])]


async def fill(workspace: Workspace, megabytes: float) -> None:
    """Random data, which cannot be compressed."""
    await workspace.run(f"head -c {int(megabytes * MEGABYTE)} /dev/urandom > noise")


async def test_snapshots_go_to_the_bucket_and_come_back(
    workspace: Workspace, take: Take, moto: int, bucket: str, open_workspace: OpenWorkspace
) -> None:
    await workspace.run("echo 1 > 'a b'; ln -s /etc/passwd out; ln a\\ b twin; mkdir void")
    await fill(workspace, 12)  # more than one part
    snapshot = await take()
    head = s3.client(moto).head_object(Bucket=bucket, Key=snapshot.key)
    assert (head["ContentLength"], head["ContentType"]) == (snapshot.size, "application/gzip")
    assert "ContentEncoding" not in head
    fresh = await open_workspace()
    await verify_and_restore(fresh, snapshot)
    assert (await fresh.run("cat 'a b' twin; readlink out; ls -d void; stat -c %s noise")).stdout == (
        "1\n1\n/etc/passwd\nvoid\n12000000\n"
    )
    with await in_transaction(code_zip, snapshot) as packed:
        assert packed.read(2) == b"PK"


async def test_only_the_newest_five_stay_in_the_bucket(
    workspace: Workspace, take: Take, moto: int, bucket: str
) -> None:
    for number in range(7):
        await workspace.write("a", str(number).encode())
        await take()
    assert keys(moto, bucket) == sorted(row.key for row in await rows())
    assert len(keys(moto, bucket)) == 5


async def test_while_the_storage_is_away_nothing_is_lost_and_nothing_waits_long(
    workspace: Workspace, take: Take, road: s3.Road, open_workspace: OpenWorkspace
) -> None:
    await workspace.write("a", b"1")
    first = await take()
    await workspace.write("a", b"2")
    road.close()
    began = time.monotonic()
    with pytest.raises(SnapshotFailed, match="storage"):
        await take()
    assert time.monotonic() - began < 20
    assert [row.pk for row in await rows()] == [first.pk]
    assert (await verify_and_restore(workspace, first)).files == []  # an intact disk needs no archive
    fresh = await open_workspace()
    with pytest.raises(SnapshotFailed, match="storage"):
        await verify_and_restore(fresh, first)
    road.clear()
    assert (await take()).pk != first.pk
    assert (await verify_and_restore(fresh, first)).files == ["a"]


def a_bucket_that_is_not_there(moto: int, bucket: str) -> str:
    return f"{bucket}-gone"


def another_bucket(moto: int, bucket: str) -> str:
    s3.client(moto).create_bucket(Bucket=f"{bucket}-other")
    return f"{bucket}-other"


@pytest.mark.parametrize("wrong", [a_bucket_that_is_not_there, another_bucket])
async def test_a_wrong_bucket_is_for_the_operator_and_never_reads_as_lost_files(
    workspace: Workspace,
    take: Take,
    job: Job,
    road: s3.Road,
    open_workspace: OpenWorkspace,
    settings: Settings,
    tmp_path: Path,
    moto: int,
    bucket: str,
    wrong: Callable[[int, str], str],
) -> None:
    await workspace.write("a", b"1")
    await take()
    right = settings.STORAGES
    endpoint = f"http://127.0.0.1:{road.port}"
    made = storage("snapshots", bucket=wrong(moto, bucket), endpoint=endpoint, data_dir=tmp_path)
    settings.STORAGES = {**right, "snapshots": made}
    fresh = await open_workspace()
    with pytest.raises(StorageRefused):
        await restore_newest(fresh, job.project_id, job.pk)
    settings.STORAGES = right
    restored = await restore_newest(fresh, job.project_id, job.pk)
    assert restored is not None
    assert restored.files == ["a"]


async def test_a_bucket_that_does_not_let_us_in_is_for_the_operator(
    workspace: Workspace, take: Take, job: Job, open_workspace: OpenWorkspace, road: s3.Road
) -> None:
    await workspace.write("a", b"1")
    await take()
    road.answer = s3.FORBIDDEN
    with pytest.raises(StorageRefused):
        await restore_newest(await open_workspace(), job.project_id, job.pk)
    await workspace.write("a", b"2")
    with pytest.raises(StorageRefused):
        await take()


async def test_a_slow_storage_holds_up_nobody_else(workspace: Workspace, take: Take, road: s3.Road) -> None:
    await fill(workspace, 0.6)
    road.pause = 0.05
    saving = asyncio.create_task(take())
    waits = []
    while not saving.done():
        began = time.monotonic()
        await in_transaction(Snapshot.objects.count)
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    assert (await saving).size > 0.6 * MEGABYTE
    assert len(waits) > 20
    assert max(waits) < 1


async def test_a_partial_upload_is_not_a_snapshot(
    workspace: Workspace, take: Take, road: s3.Road, moto: int, bucket: str
) -> None:
    await fill(workspace, 1)
    road.cut_after = MEGABYTE // 2
    with pytest.raises(SnapshotFailed):
        await take()
    assert keys(moto, bucket) == []
    assert await rows() == []
    road.clear()
    assert (await take()).size > MEGABYTE


async def test_a_damaged_archive_is_noticed_and_the_one_before_it_is_used(
    workspace: Workspace, take: Take, job: Job, moto: int, bucket: str, open_workspace: OpenWorkspace
) -> None:
    await workspace.write("a", b"1")
    good = await take()
    await workspace.write("a", b"2")
    bad = await take()
    s3.client(moto).put_object(Bucket=bucket, Key=bad.key, Body=b"\x1f\x8bhalf")
    fresh = await open_workspace()
    restored = await restore_newest(fresh, job.project_id, job.pk)
    assert restored is not None
    assert (restored.snapshot.pk, await fresh.read("a")) == (good.pk, b"1")
    s3.client(moto).delete_object(Bucket=bucket, Key=good.key)
    with pytest.raises(SnapshotDamaged):
        await restore_newest(await open_workspace(), job.project_id, job.pk)


async def test_two_workers_at_once_keep_what_both_saw(
    workspace: Workspace, take: Take, moto: int, bucket: str, open_workspace: OpenWorkspace
) -> None:
    other = await open_workspace()
    await workspace.write("a", b"1")
    await other.write("a", b"2")
    one, two = await asyncio.gather(take(), take(other))
    assert one.key != two.key
    assert keys(moto, bucket) == sorted([one.key, two.key])
    for snapshot, content in ((one, b"1"), (two, b"2")):
        fresh = await open_workspace()
        await verify_and_restore(fresh, snapshot)
        assert await fresh.read("a") == content


async def test_a_worker_taken_for_dead_does_not_pass_its_old_files_off_as_the_newest(
    workspace: Workspace, take: Take, job: Job, road: s3.Road, open_workspace: OpenWorkspace
) -> None:
    other = await open_workspace()
    await other.write("a", b"newer")
    await fill(workspace, 1)
    road.stall_after = MEGABYTE // 2
    slow = asyncio.create_task(take())
    assert await asyncio.to_thread(road.stalled.wait, 30)
    new = await take(other)
    road.go_on.set()
    old = await slow
    assert {row.pk for row in await rows()} == {old.pk, new.pk}
    newest = await in_transaction(history.newest_of, job)
    assert newest is not None
    assert newest.pk == new.pk


async def test_without_redis_two_workers_still_fill_two_archives(
    workspace: Workspace,
    take: Take,
    settings: Settings,
    moto: int,
    bucket: str,
    open_workspace: OpenWorkspace,
) -> None:
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": away}
    workers = [workspace, *[await open_workspace() for _ in range(4)]]
    for number, worker in enumerate(workers):
        await worker.write("a", str(number).encode())
    taken = await asyncio.gather(*map(take, workers))
    assert keys(moto, bucket) == sorted({snapshot.key for snapshot in taken})
    assert len(keys(moto, bucket)) == 5


KILLED = {
    "while it copies a database": "copy",
    "while it packs": "pack",
    "while it sends": "send",
    "while it fetches": "fetch",
}


FILES = {"copy": "*.copies/app.db", "pack": "*.tar.gz"}  # what there is in the sandbox at the moment
DATABASE = (
    "python3 -c \"import sqlite3; d = sqlite3.connect('app.db'); d.execute('CREATE TABLE t (b)')\n"
    "d.executemany('INSERT INTO t VALUES (randomblob(1000000))', [()] * {megabytes}); d.commit()\""
)
SMALL_DATABASE, LARGE_DATABASE = DATABASE.format(megabytes=1), DATABASE.format(megabytes=150)


@pytest.mark.parametrize("moment", KILLED.values(), ids=KILLED.keys())
async def test_a_worker_killed_midway_leaves_nothing_partial(
    workspace: Workspace,
    open_workspace: OpenWorkspace,
    take: Take,
    job: Job,
    road: s3.Road,
    moto: int,
    bucket: str,
    moment: str,
    e2b: str,
) -> None:
    await fill(workspace, 40 if moment == "pack" else 1)
    await workspace.run(LARGE_DATABASE if moment == "copy" else SMALL_DATABASE)
    saved = await take() if moment == "fetch" else None
    if saved is not None:
        await workspace.run("rm noise; : > app.db; echo 1 > app.db-wal")
    if moment in ("send", "fetch"):
        road.stall_after = MEGABYTE // 2
    worker = worker_at("restore" if moment == "fetch" else "take", workspace, job, road, bucket, e2b)
    try:
        await until_in_the_middle(moment, workspace, road)
        worker.send_signal(signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait(30)
    road.clear()
    assert [row.pk for row in await rows()] == ([saved.pk] if saved else [])
    assert keys(moto, bucket) == ([saved.key] if saved else [])
    assert await workspace.script("ls .cofounder/snapshots") != ""
    after = await open_workspace(job_id=job.pk, epoch=3, sandbox_id=workspace.sandbox_id)
    assert await workspace.script("ls .cofounder/snapshots") == ""
    if saved is not None:
        assert (await verify_and_restore(after, saved)).files == ["app.db", "noise"]
    checked = "python3 -c \"import sqlite3; print(*sqlite3.connect('app.db').execute('PRAGMA quick_check'))\""
    assert (await after.run(f"ls; {checked}")).stdout == "app.db\nnoise\n('ok',)\n"
    assert (await take()).size > 0.9 * MEGABYTE


def worker_at(
    what: str, workspace: Workspace, job: Job, road: s3.Road, bucket: str, e2b: str
) -> "subprocess.Popen[bytes]":
    """Another process that takes or restores a snapshot of the same sandbox."""
    database = connection.settings_dict
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": django_settings.REDIS_URL,
        "E2B_API_KEY": "a key",
        "E2B_API_URL": e2b,
        "E2B_SANDBOX_URL": e2b,
        "PROJECT_SNAPSHOT_BUCKET": bucket,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{road.port}",
    }
    command = [sys.executable, "-m", "tests.agents.one_snapshot", what, str(job.pk), workspace.sandbox_id]
    return subprocess.Popen(command, env=env, cwd=django_settings.BASE_DIR)


async def until_in_the_middle(moment: str, workspace: Workspace, road: s3.Road) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if moment in FILES:
            if await workspace.script(f"ls -d .cofounder/snapshots/{FILES[moment]} || true"):
                return
        elif road.stalled.is_set():
            return
        await asyncio.sleep(0.02)
    pytest.fail("the other worker did not get that far")


async def test_what_a_killed_worker_left_in_the_storage_is_cleared_away_later(
    workspace: Workspace, take: Take, job: Job, moto: int, bucket: str
) -> None:
    folder = f"projects/{job.project_id}/snapshots"
    for name in ("20200101T000000Z.tar.gz", "29990101T000000Z.tar.gz"):  # the second may have started
        s3.client(moto).put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=b"x")
    await workspace.write("a", b"1")
    snapshot = await take()
    assert keys(moto, bucket) == sorted([snapshot.key, f"{folder}/29990101T000000Z.tar.gz"])
    assert storages["snapshots"].exists(snapshot.key)
