"""What comes back into a sandbox: databases that were written all the time, files that never held still."""

import zipfile

import pytest

from agents.database import in_transaction
from agents.models import Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots.code_zip import code_zip
from agents.snapshots.manifest import FileState, from_json
from agents.snapshots.restore import verify_and_restore
from tests.agents.conftest import OpenWorkspace
from tests.agents.snapshots.conftest import Take
from tests.agents.snapshots.databases import committed, rows_of, tear_without_end, write_without_end

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Reason = Snapshot.Reason
FOUR = (Reason.CHECKPOINT, Reason.CHECKPOINT, Reason.SLEEP, Reason.FINAL)


def held(snapshot: Snapshot) -> dict[str, FileState]:
    return {file.path: file for file in from_json(snapshot.manifest)}


async def sql(workspace: Workspace, path: str, *statements: str, close: bool = True) -> str:
    """Run statements in one connection, which is closed in the end or, as in a crash, not."""
    program = "import os, sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    program += "for s in sys.argv[2:]: print(*d.execute(s).fetchall())\n"
    program += "d.close()" if close else "sys.stdout.flush(); os.kill(os.getpid(), 9)"
    end = "" if close else "; true"
    return await workspace.script(f'cd app; python3 -c "$@"{end}', program, path, *statements)


WAL = ("PRAGMA journal_mode = wal", "CREATE TABLE t (n)", "INSERT INTO t VALUES (1)")
COUNT = "SELECT count(*) FROM t"


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_database_written_all_the_time_is_in_every_snapshot_and_comes_back_whole(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace, mode: str
) -> None:
    await workspace.run("mkdir data")
    await write_without_end(workspace, "data/app.sqlite", mode)
    for reason in FOUR:
        before = await committed(workspace)
        snapshot = await take(reason)
        after = await committed(workspace)
        names = held(snapshot)
        assert {"data/app.sqlite", "committed", "writer.py"} == names.keys()
        assert names["data/app.sqlite"].from_backup
        fresh = await open_workspace(project_id=snapshot.project_id)
        assert "data/app.sqlite" in (await verify_and_restore(fresh, snapshot)).files
        [rows] = await rows_of(fresh, "data/app.sqlite")
        assert before <= rows <= after + 1
        await fresh.kill()


async def test_what_only_the_log_holds_is_saved_and_what_lies_beside_a_database_is_not(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await sql(workspace, "odd name.dat", *WAL, close=False)
    await workspace.write("mine-wal", b"no log of a database")
    beside = (await workspace.run("ls")).stdout.split("\n")
    assert "odd name.dat-wal" in beside
    snapshot = await take()
    assert held(snapshot).keys() == {"odd name.dat", "mine-wal"}
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    assert await sql(fresh, "odd name.dat", COUNT) == "(1,)\n"


@pytest.mark.parametrize("close", [True, False])
async def test_an_idle_database_is_no_change_and_is_not_restored(
    workspace: Workspace, take: Take, close: bool
) -> None:
    await sql(workspace, "app.db", *WAL, close=close)
    states = "cd app; stat -c '%n %i %Y' * | grep -v shm | sort"  # an index is rebuilt after a crash
    before = await workspace.script(states)
    snapshot = await take()
    assert (await take()).pk == snapshot.pk
    assert (await verify_and_restore(workspace, snapshot)).files == []
    assert await workspace.script(states) == before  # it is only read


@pytest.mark.parametrize("close", [True, False])
async def test_newer_commits_stay(workspace: Workspace, take: Take, close: bool) -> None:
    await sql(workspace, "app.db", *WAL)
    snapshot = await take()
    await sql(workspace, "app.db", "INSERT INTO t VALUES (2)", close=close)
    assert (await verify_and_restore(workspace, snapshot)).files == []
    assert await sql(workspace, "app.db", COUNT) == "(2,)\n"


LOSSES = {
    "missing": "rm app.db",
    "emptied": ": > app.db",
    "cut": "truncate -s 4096 app.db",
    "overwritten": "dd if=/dev/urandom of=app.db bs=4096 seek=1 count=1 conv=notrunc status=none",
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_or_damaged_database_comes_back_without_the_log_of_the_lost_one(
    workspace: Workspace, take: Take, loss: str
) -> None:
    await sql(workspace, "app.db", *WAL, *["INSERT INTO t VALUES (randomblob(9000))"] * 20)
    snapshot = await take()
    await sql(workspace, "app.db", "DELETE FROM t", "INSERT INTO t VALUES (5)", close=False)
    assert (await workspace.run("ls")).stdout == "app.db\napp.db-shm\napp.db-wal\n"
    # Without the pages in its log: those would be read instead of the damaged ones.
    await workspace.run(("" if loss in ("missing", "emptied") else ": > app.db-wal; ") + LOSSES[loss])
    assert (await verify_and_restore(workspace, snapshot)).files == ["app.db"]
    assert (await workspace.run("ls")).stdout == "app.db\n"
    assert await sql(workspace, "app.db", "PRAGMA integrity_check", COUNT) == "('ok',)\n(21,)\n"


async def test_of_a_damaged_database_the_last_whole_copy_stays_in_every_later_snapshot(
    workspace: Workspace, take: Take
) -> None:
    await sql(workspace, "app.db", *WAL, *["INSERT INTO t VALUES (randomblob(9000))"] * 20)
    whole = held(await take())["app.db"]
    await workspace.run(LOSSES["overwritten"])
    for number in range(7):  # more than are kept
        await workspace.write("other", str(number).encode())
        snapshot = await take()
        now = held(snapshot)["app.db"]
        assert (now.copied, now.from_backup) == ("kept", True)
        assert (now.sha256, now.changed) == (whole.sha256, whole.changed)
    assert (await take()).pk == snapshot.pk  # nothing has changed
    assert (await verify_and_restore(workspace, snapshot)).files == ["app.db"]
    assert await sql(workspace, "app.db", "PRAGMA integrity_check", COUNT) == "('ok',)\n(21,)\n"


async def test_what_only_begins_like_a_database_is_a_file_like_any_other(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    content = b"SQLite format 3\0" + b"and then something else " * 100
    await workspace.write("fake.db", content)
    await workspace.write("short.db", content[:20])
    snapshot = await take()
    assert not any(file.from_backup or file.copied for file in held(snapshot).values())
    assert (await verify_and_restore(workspace, snapshot)).files == []
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    assert await fresh.read("fake.db") == content
    assert await fresh.read("short.db") == content[:20]


async def test_a_database_in_an_excluded_directory_is_left_alone(workspace: Workspace, take: Take) -> None:
    await workspace.run("mkdir node_modules; echo 1 > a")
    await sql(workspace, "node_modules/app.db", *WAL, close=False)
    snapshot = await take()
    assert held(snapshot).keys() == {"a"}
    assert (await verify_and_restore(workspace, snapshot)).files == []
    assert (await workspace.run("ls node_modules")).stdout == "app.db\napp.db-shm\napp.db-wal\n"


async def test_a_database_in_a_directory_that_may_not_be_written_is_copied(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.run("mkdir with-log plain")
    await sql(workspace, "with-log/app.db", *WAL, close=False)
    await sql(workspace, "plain/app.db", *WAL)
    await workspace.run("rm with-log/app.db-shm; chmod 555 with-log plain; chmod 444 */app.db")
    snapshot = await take()
    assert {path for path, file in held(snapshot).items() if file.from_backup} == {
        "plain/app.db",
        "with-log/app.db",
    }
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    for path in ("plain/app.db", "with-log/app.db"):
        assert (await fresh.run(f"chmod 644 {path}")).exit_code == 0
        assert await sql(fresh, path, COUNT) == "(1,)\n"
    assert (await verify_and_restore(workspace, snapshot)).files == []


@pytest.mark.timeout(120)
async def test_a_database_that_is_locked_and_written_all_the_time_keeps_its_last_whole_copy(
    workspace: Workspace, take: Take
) -> None:
    # Large, so that it takes long enough to copy it for the writer to write, however busy the machine is.
    await sql(workspace, "app.db", "CREATE TABLE t (b)", "INSERT INTO t VALUES (zeroblob(60000000))")
    busy = await write_without_end(workspace, "app.db", "delete", locking="EXCLUSIVE", pause=0.001)
    first = await take()
    assert held(first)["app.db"].copied == "as_read"  # there is nothing better yet
    assert (await verify_and_restore(workspace, first)).files == []
    await workspace.end_group(busy)
    whole = held(await take())["app.db"]
    assert (whole.from_backup, whole.copied) == (True, "")
    await write_without_end(workspace, "app.db", "delete", locking="EXCLUSIVE", pause=0.001)
    kept = held(await take(Reason.FINAL))["app.db"]
    assert (kept.sha256, kept.from_backup, kept.copied) == (whole.sha256, True, "kept")


async def test_a_database_locked_for_long_but_not_written_is_copied(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await sql(workspace, "app.db", "CREATE TABLE t (n)", "INSERT INTO t VALUES (1)")
    held_open = "import sqlite3, time; d = sqlite3.connect('app.db', isolation_level=None)\n"
    held_open += "d.execute('BEGIN EXCLUSIVE'); open('/tmp/locked', 'w'); time.sleep(600)"
    await workspace.run(f'python3 -c "{held_open}"', background=True)
    await workspace.run("until [ -e /tmp/locked ]; do sleep 0.02; done")
    snapshot = await take()
    assert held(snapshot)["app.db"].from_backup
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    assert await sql(fresh, "app.db", COUNT) == "(1,)\n"


# Files


async def test_files_that_never_hold_still_are_in_every_snapshot_and_in_the_final_one(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    for path, command in {
        "appended.log": "echo line $((n+=1)) >> appended.log",
        "rewritten": "date +%s.%N > rewritten",
        "replaced": "date +%s.%N > .new && mv .new replaced",
    }.items():
        await workspace.run(f"while :; do {command}; sleep 0.01; done", background=True)
        await workspace.run(f"until [ -s {path} ]; do sleep 0.02; done")
    sizes = []
    for reason in FOUR:
        snapshot = await take(reason)
        files = held(snapshot)
        assert {"appended.log", "rewritten", "replaced"} <= files.keys()
        assert not any(file.copied == "as_read" for file in files.values())
        sizes.append(files["appended.log"].size)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    log = (await fresh.read("appended.log")).decode()
    assert log == "".join(f"line {n + 1}\n" for n in range(log.count("\n")))
    for path in ("rewritten", "replaced"):
        assert (await fresh.read(path)).endswith(b"\n")


async def test_a_file_that_is_never_whole_keeps_its_last_whole_copy_or_else_is_saved_as_it_was_read(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.run("rm -f large; truncate -s 80M large")
    busy = await tear_without_end(workspace)
    assert held(await take())["large"].copied == "as_read"
    await workspace.end_group(busy)
    await workspace.run("rm -f large; truncate -s 80M large")
    whole = held(await take())["large"]
    assert whole.copied == ""
    busy = await tear_without_end(workspace)
    for reason in FOUR[2:]:
        await workspace.write("other", reason.encode())
        snapshot = await take(reason)
        kept = held(snapshot)["large"]
        assert (kept.copied, kept.sha256, kept.changed) == ("kept", whole.sha256, whole.changed)
    await workspace.end_group(busy)
    fresh = await open_workspace(project_id=snapshot.project_id)
    await verify_and_restore(fresh, snapshot)
    assert (await fresh.run("tr -d '\\0' < large | wc -c")).stdout == "0\n"


async def test_the_zip_holds_each_of_them_once(workspace: Workspace, take: Take) -> None:
    await write_without_end(workspace, "app.db", "wal")
    snapshot = await take()
    with await in_transaction(code_zip, snapshot) as packed, zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["app.db", "committed", "writer.py"]
