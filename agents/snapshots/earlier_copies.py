"""The last whole copies of files, taken from the archives of earlier snapshots."""

import hashlib
import io
import tarfile
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import IO
from uuid import UUID

from agents.models import Snapshot
from agents.snapshots import history, manifest
from agents.snapshots.code_zip import DamagedCode, opened
from agents.snapshots.manifest import Copied, FileState

MOST_SEARCHED = 10  # snapshots, the newest first

Found = dict[str, tuple[UUID, FileState]]


def find(project_id: UUID, job_id: UUID, paths: Collection[str], without: Collection[UUID] = ()) -> Found:
    """The newest snapshot that holds a whole copy of each of these files, and the file as it is there.

    What lies beside a database is found in the snapshot of its database alone.
    """
    found: Found = {}
    newest = history.up_to(project_id, job_id).exclude(pk__in=without)
    for key in newest.values_list("pk", flat=True)[:MOST_SEARCHED]:
        missing = set(paths) - found.keys()
        if not missing:
            break
        rows = Snapshot.objects.values_list("manifest", flat=True).get(pk=key)
        for file in manifest.from_json(rows):  # a database comes before what lies beside it
            if file.path in missing and file.sha256 and file.copied != Copied.AS_READ:
                base = manifest.beside_of(file.path)
                if base not in paths or (base in found and found[base][0] == key):
                    found[file.path] = key, replace(file, copied=Copied.KEPT)
    return found


def extract(snapshot: Snapshot, files: Iterable[FileState], target: IO[bytes]) -> None:
    """Write these files of the archive to `target`, as a tar. Raises `DamagedCode`."""
    wanted = {file.path: file for file in files}
    with (
        opened(snapshot) as source,
        tarfile.open(fileobj=source, mode="r|gz", errors="surrogateescape") as old,
        tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT, errors="surrogateescape") as new,
    ):
        for member in old:
            if member.name in wanted and member.isfile() and (content := old.extractfile(member)):
                read = _Hashed(content)
                new.addfile(member, read)
                if read.digest.hexdigest() != wanted.pop(member.name).sha256:
                    raise DamagedCode
            if not wanted:
                return
    raise DamagedCode


class _Hashed(io.RawIOBase):
    """A stream that computes the SHA-256 of what is read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data
