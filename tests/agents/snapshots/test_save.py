import asyncio
import uuid
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from agents.database import in_transaction
from agents.errors import SandboxTaken, ScriptFailed, SnapshotDamaged, SnapshotFailed
from agents.models import Snapshot
from agents.sandbox.layout import EXCLUDED
from agents.sandbox.process_groups import LOCKED, OWNED
from agents.sandbox.workspace import Workspace
from agents.snapshots import save
from agents.snapshots.code_zip import code_zip
from agents.snapshots.manifest import SCRIPT, from_json
from agents.snapshots.restore import restore_newest, verify_and_restore
from jobs.models import Job
from tests.agents.conftest import OpenWorkspace
from tests.agents.sandbox.test_workspace import until
from tests.agents.snapshots.conftest import Take

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Reason = Snapshot.Reason


async def rows() -> list[Snapshot]:
    return await in_transaction(lambda: list(Snapshot.objects.all()))


ODD = r"""
mkdir -p 'a dir/ünï' empty node_modules
echo one > $'a dir/ünï/new\nline'
printf x > $'caf\xe9'
for name in 'back\nslash' '\101' '[a]*?' -dash ' space ' '"quoted"' '~' 'a\'; do
  echo "$name" > "./$name"
done
ln -s 'a dir' link
echo '#!/bin/sh' > run.sh
chmod 755 run.sh
git init -q .
echo big > node_modules/x
"""


async def test_a_snapshot_holds_the_work_and_the_history_but_not_what_is_made_from_them(
    workspace: Workspace, take: Take
) -> None:
    await workspace.run(ODD)
    snapshot = await take()
    paths = {file.path for file in from_json(snapshot.manifest)}
    assert {"a dir/ünï/new\nline", "caf\udce9", "link", "run.sh", "empty", ".git/HEAD"} <= paths
    assert not any(path.startswith("node_modules") for path in paths)
    assert storages["snapshots"].size(snapshot.key) == snapshot.size
    assert snapshot.key.startswith(f"projects/{snapshot.project_id}/snapshots/2")
    assert await workspace.script("ls .cofounder/snapshots") == ""


async def test_everything_comes_back_into_a_fresh_sandbox(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.run(ODD)
    snapshot = await take()
    fresh = await open_workspace(project_id=snapshot.project_id)
    restored = await verify_and_restore(fresh, snapshot)
    assert len(restored.files) == len(snapshot.manifest)
    same = "find . -path ./node_modules -prune -o -printf '%y %m %s %l %p\\n' | grep -v '^d.* [.]$' | sort"
    assert (await fresh.run(same)).stdout == (await workspace.run(same)).stdout
    assert (await verify_and_restore(fresh, snapshot)).files == []


async def test_only_what_the_disk_lost_is_brought_back(workspace: Workspace, take: Take) -> None:
    await workspace.run("echo 1 > kept; echo 2 > lost; echo 3 > emptied; echo 4 > worked-on")
    snapshot = await take()
    await workspace.run("rm lost; : > emptied; echo 44 > worked-on; echo 5 > new")
    restored = await verify_and_restore(workspace, snapshot)
    assert sorted(restored.files) == ["emptied", "lost"]
    assert (await workspace.run("cat kept lost emptied worked-on new")).stdout == "1\n2\n3\n44\n5\n"


async def test_unchanged_content_is_not_sent_again(workspace: Workspace, take: Take) -> None:
    await workspace.write("a", b"1")
    first = await take()
    await workspace.run("touch a")
    assert (await take()).pk == first.pk
    await workspace.write("a", b"2")
    assert (await take()).pk != first.pk


async def test_unchanged_content_is_sent_again_when_the_storage_has_lost_it(
    workspace: Workspace, take: Take
) -> None:
    await workspace.write("a", b"1")
    first = await take()
    Path(storages["snapshots"].path(first.key)).write_bytes(b"half")
    second = await take()
    Path(storages["snapshots"].path(second.key)).unlink()
    third = await take()
    assert len({first.pk, second.pk, third.pk}) == 3
    assert (await take()).pk == third.pk


async def test_an_empty_workspace_has_no_snapshot(take: Take) -> None:
    assert await take() is None


async def test_the_newest_five_are_kept_and_every_final_one(workspace: Workspace, take: Take) -> None:
    for number in range(8):
        await workspace.write("a", str(number).encode())
        await take(Reason.FINAL if number == 1 else Reason.CHECKPOINT)
    kept = await rows()
    assert [row.reason for row in kept] == [Reason.CHECKPOINT] * 5 + [Reason.FINAL]
    _, files = storages["snapshots"].listdir(str(Path(kept[0].key).parent))
    assert sorted(files) == sorted(Path(row.key).name for row in kept)


async def test_an_unchanged_workspace_at_the_end_keeps_the_last_one_for_good(
    workspace: Workspace, take: Take
) -> None:
    await workspace.write("a", b"1")
    first = await take()
    final = await take(Reason.FINAL)
    assert (final.pk, final.reason) == (first.pk, Reason.FINAL)
    assert [row.reason for row in await rows()] == [Reason.FINAL]


async def test_two_at_once_give_one_of_the_same_content(workspace: Workspace, take: Take) -> None:
    await workspace.write("a", b"1")
    one, two = await asyncio.gather(take(), take())
    assert one.pk == two.pk


async def test_snapshots_of_one_second_have_different_keys(
    workspace: Workspace, take: Take, settings: Settings
) -> None:
    from jobs import clock

    await in_transaction(clock.move, await in_transaction(clock.now), speed=0.001)
    keys = []
    for number in range(3):
        await workspace.write("a", str(number).encode())
        keys.append((await take()).key)
    assert len(set(keys)) == 3
    assert keys == sorted(keys)


async def test_a_second_is_given_out_once_however_many_ask(job: Job) -> None:
    given = await asyncio.gather(*(in_transaction(save._next_second, job.project_id) for _ in range(12)))
    assert len(set(given)) == 12


async def test_a_worker_that_lost_the_sandbox_writes_no_old_files_over_new_ones(
    take: Take, open_workspace: OpenWorkspace, job: Job
) -> None:
    old = await open_workspace(job_id=job.pk)
    await old.write("a", b"old")
    snapshot = await save.take(old, project_id=job.project_id, job_id=job.pk, reason=Reason.CHECKPOINT)
    assert snapshot is not None
    await old.run("rm a")
    new = await open_workspace(job_id=job.pk, epoch=2, sandbox_id=old.sandbox_id)
    with pytest.raises(SandboxTaken):
        await verify_and_restore(old, snapshot)
    assert (await new.run("ls")).stdout == ""
    assert (await verify_and_restore(new, snapshot)).files == ["a"]


async def test_nobody_takes_the_sandbox_over_while_files_are_being_unpacked(
    open_workspace: OpenWorkspace, job: Job
) -> None:
    old = await open_workspace(job_id=job.pk)
    unpacking = asyncio.create_task(old.owned(LOCKED + OWNED + "touch begun; sleep 1; touch unpacked"))

    async def begun() -> bool:
        return "begun" in await old.script("ls")

    await until(begun)
    new = await open_workspace(job_id=job.pk, epoch=2, sandbox_id=old.sandbox_id)
    assert "unpacked" in await new.script("ls")
    await unpacking


async def test_a_damaged_archive_is_noticed_and_the_one_before_it_is_used(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.write("a", b"1")
    good = await take()
    await workspace.write("a", b"2")
    damaged = await take()
    Path(storages["snapshots"].path(damaged.key)).write_bytes(b"half")
    fresh = await open_workspace()
    with pytest.raises(SnapshotDamaged):
        await verify_and_restore(fresh, damaged)
    assert good.job_id is not None
    restored = await restore_newest(fresh, good.project_id, good.job_id)
    assert restored is not None
    assert restored.snapshot.pk == good.pk
    assert await fresh.read("a") == b"1"
    Path(storages["snapshots"].path(good.key)).unlink()
    with pytest.raises(SnapshotDamaged):
        await restore_newest(await open_workspace(), good.project_id, good.job_id)


async def test_a_project_without_snapshots_has_nothing_to_restore(workspace: Workspace) -> None:
    assert await restore_newest(workspace, uuid.uuid4(), uuid.uuid4()) is None


async def test_a_storage_that_does_not_work_is_told_and_leaves_no_row(
    workspace: Workspace, take: Take, tmp_path: Path
) -> None:
    (tmp_path / "snapshots").write_text("a file where the storage's directory should be")
    await workspace.write("a", b"1")
    with pytest.raises(SnapshotFailed):
        await take()
    assert await rows() == []
    assert await workspace.script("ls .cofounder/snapshots") == ""


async def test_files_that_change_all_the_time_do_not_spoil_the_rest(
    workspace: Workspace, take: Take, open_workspace: OpenWorkspace
) -> None:
    await workspace.write("still", b"1")
    busy = await workspace.run("while :; do date +%N > busy; done", background=True)
    await workspace.run("until [ -e busy ]; do sleep 0.05; done")
    snapshot = await take()
    await workspace.end_group(busy.group)
    restored = await verify_and_restore(await open_workspace(), snapshot)  # what is listed is in the archive
    assert "still" in restored.files


async def test_what_the_agent_may_no_longer_read_spoils_neither_saving_nor_verifying(
    workspace: Workspace, take: Take
) -> None:
    await workspace.run("mkdir data void; echo 1 > data/a; echo 2 > key; echo 3 > b")
    await take()
    await workspace.run("echo 44 > b; chmod 000 data void key")
    later = await take()
    assert "b" in {file.path for file in from_json(later.manifest)}
    await workspace.run("rm b")
    for snapshot in (later, (await rows())[-1]):
        restored = await verify_and_restore(workspace, snapshot)
        assert restored.files == (["b"] if snapshot.pk == later.pk else [])
    await workspace.run("chmod 755 data void key")
    assert (await workspace.run("cat data/a key b")).stdout == "1\n2\n44\n"


@pytest.mark.parametrize("name", ["found", "sums"])
async def test_a_list_that_the_full_disk_cut_short_is_not_believed(
    workspace: Workspace, take: Take, name: str
) -> None:
    await workspace.run("for n in {1..3000}; do echo $n > file-with-a-name-that-is-long-$n; done")
    await take()
    await workspace.script(f'mkdir -p .cofounder/snapshots; ln -s /dev/full ".cofounder/snapshots/x.{name}"')
    with pytest.raises(ScriptFailed, match="No space left"):
        await workspace.script(SCRIPT, "x", *EXCLUDED)


FULL_DISK = r"""
mkdir -p "$HOME/bin"
printf '%s\n' '#!/bin/bash' 'echo "tar: a: Cannot write: No space left on device" >&2; exit 2' \
  > "$HOME/bin/tar"
chmod +x "$HOME/bin/tar"
echo 'PATH=$HOME/bin:$PATH' >> "$HOME/.profile"
"""


async def test_a_full_disk_is_told_and_nothing_is_lost(workspace: Workspace, take: Take) -> None:
    await workspace.write("a", b"1")
    first = await take()
    await workspace.script(FULL_DISK)
    await workspace.write("a", b"2")
    with pytest.raises(SnapshotFailed, match="disk is full"):
        await take()
    assert [row.pk for row in await rows()] == [first.pk]
    await workspace.run("rm a")
    with pytest.raises(SnapshotFailed, match="disk is full"):
        await verify_and_restore(workspace, first)
    await workspace.script('rm "$HOME/bin/tar"')
    assert (await verify_and_restore(workspace, first)).files == ["a"]


async def test_hard_links_are_kept_as_the_files_they_are(workspace: Workspace, take: Take) -> None:
    await workspace.run("echo same > one; ln one two")
    snapshot = await take()
    with await in_transaction(code_zip, snapshot) as packed, zipfile.ZipFile(packed) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "one": b"same\n",
            "two": b"same\n",
        }
    await workspace.run("rm two")
    assert (await verify_and_restore(workspace, snapshot)).files == ["two"]


async def test_a_project_deleted_meanwhile_leaves_no_archive(
    workspace: Workspace, take: Take, job: Job
) -> None:
    await workspace.write("a", b"1")
    snapshot = await take()
    await in_transaction(job.project.delete)
    with pytest.raises(SnapshotFailed, match="has been deleted"):
        await take()
    _, files = storages["snapshots"].listdir(str(Path(snapshot.key).parent))
    assert files == [Path(snapshot.key).name]  # the snapshot there was; deleting a project removes it


async def test_twenty_thousand_small_files_are_saved_and_come_back(workspace: Workspace, take: Take) -> None:
    made = "import os\nfor n in range(20000):\n os.makedirs(f'd{n % 200}', exist_ok=True)\n"
    made += " open(f'd{n % 200}/f{n}', 'w').write(str(n))"
    assert (await workspace.run(f'python3 -c "{made}"')).exit_code == 0
    snapshot = await take()
    assert len(snapshot.manifest) == 20_000
    await workspace.run("rm -r d*")
    assert len((await verify_and_restore(workspace, snapshot)).files) == 20_000
    assert (await workspace.run("find . -type f | wc -l; cat d199/f19999")).stdout == "20000\n19999"
    await workspace.run("rm -r d*")  # sooner than the sandbox would end by itself
