"""A build's code as a zip, made from a snapshot."""

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages

from agents.models import Snapshot
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
    """A temporary file with the zip, at its beginning; raises `DamagedCode`."""
    target = TemporaryFile()  # noqa: SIM115  # the response closes it
    try:
        with opened(snapshot) as source:
            zip_from_tar(source, target)
    except DamagedCode:
        target.close()
        raise
    target.seek(0)
    return target


@contextmanager
def opened(snapshot: Snapshot) -> Iterator[IO[bytes]]:
    """The stored archive, to read; whatever goes wrong with it raises `DamagedCode`."""
    try:
        with storages["snapshots"].open(snapshot.key) as source:
            yield source
    except (OSError, EOFError, tarfile.TarError, BotoCoreError, ClientError) as error:
        raise DamagedCode from error


def zip_from_tar(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy the regular files of a tar.gz, one at a time; links and paths that lead outside are left out."""
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
