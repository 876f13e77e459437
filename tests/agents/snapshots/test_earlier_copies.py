"""The last whole copies, found in manifests and taken from stored archives."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from pytest_django import Settings

from agents.models import Snapshot
from agents.snapshots.code_zip import DamagedCode
from agents.snapshots.earlier_copies import extract, find
from agents.snapshots.manifest import Copied, FileState, to_json
from jobs.models import Job

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
Make = Callable[..., Snapshot]


def file(path: str, content: str, **fields: object) -> FileState:
    state = FileState(path, len(content), sha256(content.encode()).hexdigest(), "644", 100.0)
    return replace(state, **fields)  # type: ignore[arg-type]


def archive(contents: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, content in contents.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return made.getvalue()


@pytest.fixture
def make(job: Job, settings: Settings, tmp_path: Path) -> Make:
    """Stores a snapshot of these files, each newer than the one before."""
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "snapshots": local}
    made: list[Snapshot] = []

    def make_(contents: dict[str, str], *, copied: str = "", stored: bytes | None = None) -> Snapshot:
        packed = archive(contents) if stored is None else stored
        made.append(
            Snapshot.objects.create(
                project=job.project,
                job=job,
                key=storages["snapshots"].save(f"{len(made)}.tar.gz", ContentFile(packed)),
                size=len(packed),
                sha256=sha256(packed).hexdigest(),
                manifest=to_json(tuple(file(p, c, copied=copied) for p, c in contents.items())),
                reason=Snapshot.Reason.CHECKPOINT,
                created_at=AT + timedelta(seconds=len(made)),
            )
        )
        return made[-1]

    return make_


def test_the_newest_whole_copy_is_found_and_is_told_as_kept(job: Job, make: Make) -> None:
    make({"a": "1", "b": "1"})
    newer = make({"a": "2", "c": "2"})
    make({"a": "3"}, copied=Copied.AS_READ)
    found = find(job.project_id, job.pk, {"a", "missing"})
    assert found == {"a": (newer.pk, file("a", "2", copied=Copied.KEPT))}
    assert find(job.project_id, job.pk, {"b", "c"})["b"][1].sha256 == file("b", "1").sha256


def test_a_snapshot_whose_archive_cannot_be_read_is_passed_over(job: Job, make: Make) -> None:
    older = make({"a": "1"})
    newer = make({"a": "2"})
    assert find(job.project_id, job.pk, {"a"}, {newer.pk})["a"][0] == older.pk


def test_what_lies_beside_a_database_is_taken_from_the_snapshot_of_the_database(job: Job, make: Make) -> None:
    make({"a.db": "1", "a.db-wal": "1"})
    newer = make({"a.db": "2"})
    assert find(job.project_id, job.pk, {"a.db", "a.db-wal"}).keys() == {"a.db"}
    both = make({"a.db": "3", "a.db-wal": "3"})
    assert {key for key, _ in find(job.project_id, job.pk, {"a.db", "a.db-wal"}).values()} == {both.pk}
    assert newer.pk != both.pk


def test_files_are_taken_out_of_an_archive(make: Make) -> None:
    snapshot = make({"a": "1", "b/c": "22", "d": "3"})
    target = io.BytesIO()
    extract(snapshot, [file("b/c", "22"), file("d", "3")], target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        assert {m.name: tar.extractfile(m).read() for m in tar} == {"b/c": b"22", "d": b"3"}  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", ["cut", "missing", "other content", "no such file"])
def test_an_archive_that_does_not_hold_them_is_damaged(make: Make, wrong: str) -> None:
    whole = archive({"a": "1" * 50_000})
    snapshot = make({"a": "1" * 50_000}, stored=whole[: len(whole) // 2] if wrong == "cut" else whole)
    if wrong == "missing":
        storages["snapshots"].delete(snapshot.key)
    wanted = (
        file("b", "1") if wrong == "no such file" else file("a", "2" if wrong == "other content" else "1")
    )
    with pytest.raises(DamagedCode):
        extract(snapshot, [wanted], io.BytesIO())
