"""A build's code as a zip, made from a snapshot."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from django.core.files.storage import storages

from agents.models import Snapshot
from agents.snapshots.bucket_errors import bucket_errors
from jobs.errors import CofounderError

CHUNK = 64 * 1024


class NoCode(CofounderError):
    """There is no code of this build yet."""

    status_code = 404
    code = "not_found"


class DamagedCode(CofounderError):
    """The saved files of this build cannot be read at the moment."""

    status_code = 503
    code = "unavailable"


def code_zip(snapshot: Snapshot) -> IO[bytes]:
    """The zip as a temporary file, positioned at its start. Raises `DamagedCode`."""
    target = TemporaryFile()  # noqa: SIM115  # the response closes it
    try:
        with opened(snapshot) as source:
            summed = _ChecksumReader(source)
            zip_from_tar(summed, target)
            summed.read_to_the_end()
        if summed.sha256.hexdigest() != snapshot.sha256:
            raise DamagedCode
    except DamagedCode:
        target.close()
        raise
    target.seek(0)
    return target


class _ChecksumReader(io.RawIOBase):
    """A stream that computes the SHA-256 of what is read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
        return data

    def read_to_the_end(self) -> None:
        while self.read(CHUNK):
            pass


@contextmanager
def opened(snapshot: Snapshot) -> Iterator[IO[bytes]]:
    """The stored archive, open for reading; any failure to read it raises `DamagedCode`."""
    try:
        with storages["snapshots"].open(snapshot.key) as source:
            yield source
    except bucket_errors(OSError, EOFError, tarfile.TarError) as error:
        raise DamagedCode from error


def zip_from_tar(source: IO[bytes] | _ChecksumReader, target: IO[bytes]) -> None:
    """Copy the regular files of a tar.gz, one at a time. Links and paths outside the archive are left out."""
    with (
        tarfile.open(fileobj=source, mode="r|gz") as tar,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
    ):
        for member in tar:
            path = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or path.is_absolute() or ".." in path.parts:
                continue
            entry = zipfile.ZipInfo(str(path))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | member.mode & 0o777) << 16
            with archive.open(entry, "w") as copy:
                while data := content.read(CHUNK):
                    copy.write(data)
