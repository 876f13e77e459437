"""Restoring a snapshot, and comparing the workspace with its manifest."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedRandom
from typing import IO, Any

from django.core.files.storage import storages

from agents.beside import beside
from agents.database import in_transaction
from agents.errors import SnapshotDamaged, SnapshotFailed, StorageRefused
from agents.models import Snapshot
from agents.sandbox import process_groups
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import history, manifest
from agents.snapshots.copies import Inspected, inspect
from agents.snapshots.transfer import CHUNK, Listed, list_files, on_thread, scratch, storage_errors

# Arguments: the owner, a name. Removes what NAME.stale lists, which lies beside the databases that come back,
# and unpacks what NAME.names lists from NAME.tar.gz, if the owner still has the sandbox: a worker that has
# lost it would write old files over new ones.
UNPACK = (
    process_groups.LOCKED
    + process_groups.OWNED
    + r"""
cd "$HOME/app" || exit 1
made=$HOME/.cofounder/snapshots/$1
xargs -0 -r rm -f -- < "$made.stale" || exit 1
tar -xpzf "$made.tar.gz" --no-same-owner --no-recursion \
  --null --verbatim-files-from -T "$made.names"
"""
)


Rows = Sequence[dict[str, Any]]  # of a stored manifest


@dataclass(frozen=True)
class Restored:
    """The paths that were restored to the disk, and the snapshot they came from."""

    files: list[str]
    snapshot: Snapshot


async def restore_newest(workspace: Workspace, project_id: uuid.UUID, job_id: uuid.UUID) -> Restored | None:
    """Restore what the disk has lost since the newest intact snapshot of this build or an earlier one.

    None when there is no snapshot yet. Raises `SnapshotDamaged` when there are snapshots but none is intact.
    """
    damage: SnapshotDamaged | None = None
    for key in await in_transaction(_keys, project_id, job_id):
        try:
            return await verify_and_restore(workspace, await in_transaction(Snapshot.objects.get, pk=key))
        except SnapshotDamaged as error:
            damage = error
    if damage is not None:
        raise damage
    return None


def _keys(project_id: uuid.UUID, job_id: uuid.UUID) -> list[uuid.UUID]:
    return list(history.up_to(project_id, job_id).values_list("pk", flat=True))


async def verify_and_restore(workspace: Workspace, snapshot: Snapshot) -> Restored:
    """Compare the disk with the manifest and restore what is missing, older than saved, or emptied.

    Raises `SnapshotDamaged` when the archive is needed but missing or damaged, `SnapshotFailed` when it
    cannot be reached, which a storage that has nothing at all of the project counts as.
    """
    async with workspace.snapshot_lock, scratch(workspace) as name:
        with storage_errors():
            disk = await inspect(workspace, name)
            lost, stale = await beside(_lost, snapshot.manifest, disk)
            if lost:
                with tempfile.TemporaryFile() as archive:
                    await on_thread(_retrieve, snapshot, archive)
                    await _unpack(workspace, name, archive, lost, stale)
                now = await list_files(workspace, name)
                missing = await beside(_still_missing, lost, snapshot.manifest, now)
                if missing:
                    raise SnapshotFailed(f"{len(missing)} files could not be restored, e.g. {missing[0]}.")
    return Restored(lost, snapshot)


def _retrieve(snapshot: Snapshot, archive: BufferedRandom) -> None:
    """Copy the stored archive into `archive`, and verify its checksum."""
    try:
        with storages["snapshots"].open(snapshot.key) as stored:
            shutil.copyfileobj(stored, archive, CHUNK)
    except FileNotFoundError as error:
        if not _has_any_of(snapshot.project_id):
            raise StorageRefused from error
        raise SnapshotDamaged(f"The snapshot {snapshot.key} is not in the storage.") from error
    archive.seek(0)
    if hashlib.file_digest(archive, "sha256").hexdigest() != snapshot.sha256:
        raise SnapshotDamaged(f"The snapshot {snapshot.key} is damaged.")
    archive.seek(0)


def _has_any_of(project_id: uuid.UUID) -> bool:
    """Whether anything of the project is stored; if not, this is another storage than before.

    Raises the storage's own error when there is no bucket, or nobody lets us in.
    """
    try:
        _, names = storages["snapshots"].listdir(history.folder(project_id))
    except FileNotFoundError:
        return False
    return bool(names)


def _lost(rows: Rows, disk: Inspected) -> tuple[list[str], list[str]]:
    """The paths to restore, and those of what lies beside the databases among them.

    An old log would be replayed over a restored database.
    """
    saved, now = manifest.from_json(rows), disk.listing()
    lost = manifest.to_restore(saved, now.files, now.damaged, tells_databases=now.tells_databases)
    databases = {file.path for file in saved if file.from_backup} | now.databases
    return lost, [path + ending for path in lost if path in databases for ending in manifest.BESIDES]


def _still_missing(lost: Sequence[str], rows: Rows, now: Listed) -> list[str]:
    return manifest.still_missing(lost, manifest.from_json(rows), now.files())


async def _unpack(
    workspace: Workspace, name: str, archive: IO[bytes], paths: Sequence[str], stale: Sequence[str]
) -> None:
    await workspace.upload(f"{STATE}/snapshots/{name}.names", await beside(manifest.names, paths))
    await workspace.upload(f"{STATE}/snapshots/{name}.stale", manifest.names(stale))
    await workspace.upload(f"{STATE}/snapshots/{name}.tar.gz", archive)
    await workspace.owned(UNPACK, name)
