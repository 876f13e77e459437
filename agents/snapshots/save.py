"""Snapshots: copies of the workspace kept outside the sandbox. Taking, keeping, verifying and restoring them.

An archive is made inside the sandbox (`pack`) and streamed through a temporary file, so that memory does not
grow with the workspace. Its manifest lists only what it certainly holds.
"""

import hashlib
import tempfile
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import IO

from django.core.files import File
from django.core.files.storage import storages
from django.db import IntegrityError

from agents.beside import beside
from agents.database import in_transaction
from agents.errors import SnapshotFailed
from agents.models import Snapshot, SnapshotClock
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import history, manifest, secret_files
from agents.snapshots.manifest import Manifest
from agents.snapshots.pack import Packing
from agents.snapshots.transfer import on_thread, scratch, storage_errors
from jobs import clock, project_secrets

KEPT = 5  # working snapshots for each project; the last one of each finished build is kept as well
STAMP = "%Y%m%dT%H%M%SZ"
LEFT_BEHIND = timedelta(days=1)  # an archive older than this without a row is deleted
SECOND = timedelta(seconds=1)


async def take(
    workspace: Workspace, *, project_id: uuid.UUID, job_id: uuid.UUID, reason: Snapshot.Reason
) -> Snapshot | None:
    """Save the workspace. If nothing has changed, the newest snapshot is returned; if it is empty, None.

    Files that contain a secret of the project are left out, and listed in `Workspace.left_out`. Raises
    `SnapshotFailed` when the files could not be saved; earlier snapshots are not affected.
    """
    async with workspace.snapshot_lock, scratch(workspace) as name:
        with storage_errors():
            secrets = await in_transaction(project_secrets.values_of, project_id)
            lines = secret_files.lines_of(secrets.values())
            packing = Packing(workspace, name, project_id=project_id, job_id=job_id, secrets=lines)
            files = await packing.list()
            if not files:
                return None
            last = await in_transaction(_reuse_newest, project_id, job_id, reason, files)
            if last is not None and await on_thread(_is_stored, last):
                return last
            key, moment = await _next_key(project_id)
            with tempfile.TemporaryFile() as archive:
                packed, sha256 = await packing.archive(files)
                size = await _fetch(workspace, name, archive, sha256)
                await on_thread(_store, key, archive, size)
            new = Snapshot(
                project_id=project_id,
                job_id=job_id,
                key=key,
                size=size,
                sha256=sha256,
                manifest=await beside(manifest.to_json, packed),
                reason=reason,
                created_at=moment,
            )
            try:
                dropped = await in_transaction(_record, new)
            except IntegrityError:  # the project was deleted, so the archive would never be found
                await on_thread(_delete, [key])
                raise
            leftovers = await on_thread(_stored_before, project_id, moment - LEFT_BEHIND)
            await on_thread(_delete, [*dropped, *await in_transaction(_without_row, leftovers)])
            return new


async def _fetch(workspace: Workspace, name: str, archive: IO[bytes], sha256: str) -> int:
    """Download the archive, verify its checksum, and return its size in bytes."""
    digest, size = hashlib.sha256(), 0
    async for chunk in workspace.download(f"{STATE}/snapshots/{name}.tar.gz"):
        digest.update(chunk)
        archive.write(chunk)
        size += len(chunk)
    if digest.hexdigest() != sha256:
        raise SnapshotFailed("The files arrived from the sandbox incomplete.")
    return size


async def _next_key(project_id: uuid.UUID) -> tuple[str, datetime]:
    """The next archive's key, and the second it is named after.

    It is chosen before the files are packed. A worker that was presumed dead and returns later with old
    files can then not store them as the newest.
    """
    while True:
        moment = await in_transaction(_next_second, project_id)
        key = f"{history.folder(project_id)}/{moment:{STAMP}}.tar.gz"
        if not await on_thread(storages["snapshots"].exists, key):
            return key, moment


def _next_second(project_id: uuid.UUID) -> datetime:
    """A second that no other snapshot of this project has, later than all those used before."""
    now = clock.now().replace(microsecond=0)
    given, is_first = SnapshotClock.objects.select_for_update().get_or_create(
        project_id=project_id, defaults={"second": now}
    )
    if not is_first:
        given.second = max(now, given.second + SECOND)
        given.save(update_fields=["second"])
    return given.second


def _store(key: str, archive: IO[bytes], size: int) -> None:
    storage = storages["snapshots"]
    archive.seek(0)
    stored = storage.save(key, File(archive))
    if stored != key or storage.size(key) != size:
        storage.delete(stored)
        raise SnapshotFailed("The files arrived in the storage incomplete.")


def _reuse_newest(
    project_id: uuid.UUID, job_id: uuid.UUID, reason: Snapshot.Reason, files: Manifest
) -> Snapshot | None:
    """The newest snapshot if it holds exactly these files. At the end of a build it becomes the final one."""
    last = history.up_to(project_id, job_id).first()
    if last is None or not manifest.is_unchanged(manifest.from_json(last.manifest), files):
        return None
    if reason == Snapshot.Reason.FINAL and last.reason != Snapshot.Reason.FINAL:
        last.reason, last.job_id = reason, job_id
        last.save(update_fields=["reason", "job"])
    return last


def _is_stored(snapshot: Snapshot) -> bool:
    """Whether the storage has the archive, judged by its size."""
    try:
        return bool(storages["snapshots"].size(snapshot.key) == snapshot.size)
    except FileNotFoundError:
        return False


def _record(new: Snapshot) -> list[str]:
    """Write the row; return the keys of working snapshots that are no longer kept."""
    new.save(force_insert=True)
    dropped = dict(history.working_of(new.project_id).values_list("pk", "key")[KEPT:])
    Snapshot.objects.filter(pk__in=dropped).delete()
    return list(dropped.values())


def _stored_before(project_id: uuid.UUID, moment: datetime) -> list[str]:
    """The keys of the archives that were stored before this time."""
    folder = history.folder(project_id)
    _, names = storages["snapshots"].listdir(folder)
    return [f"{folder}/{name}" for name in names if name < f"{moment:{STAMP}}"]


def _without_row(keys: Sequence[str]) -> list[str]:
    """The keys that have no row, because a worker died before it wrote one."""
    known = set(Snapshot.objects.filter(key__in=keys).values_list("key", flat=True))
    return [key for key in keys if key not in known]


def _delete(keys: Sequence[str]) -> None:
    for key in keys:
        storages["snapshots"].delete(key)
