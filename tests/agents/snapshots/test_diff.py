"""What changed between two snapshots: the list of files, the lines, and what is too large to show."""

import hashlib
import io
import os
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.actions.start import go_back
from agents.models import AgentSession, Snapshot
from agents.snapshots import diff, manifest
from agents.snapshots.code_zip import DamagedCode
from agents.snapshots.diff import Kind, Omitted, compare
from agents.snapshots.manifest import FileState
from jobs import clock
from jobs.models import Job
from tests.agents.streams import body_of

Files = dict[str, bytes]


def states(files: Files, **links: str) -> manifest.Manifest:
    regular = [
        FileState(path, len(content), hashlib.sha256(content).hexdigest(), "644", 100.0)
        for path, content in files.items()
    ]
    return (*regular, *(FileState(path, 0, "", "777", 100.0, target) for path, target in links.items()))


def saved(job: Job, files: Files, reason: str = "checkpoint", **links: str) -> Snapshot:
    """A snapshot of these files, in the storage and in the database."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    key = storages["snapshots"].save(
        f"projects/{job.project_id}/{uuid.uuid4()}", ContentFile(packed.getvalue())
    )
    return Snapshot.objects.create(
        project_id=job.project_id,
        job=job,
        key=key,
        size=packed.tell(),
        sha256=hashlib.sha256(packed.getvalue()).hexdigest(),
        manifest=manifest.to_json(states(files, **links)),
        reason=reason,
        created_at=clock.now(),
    )


@pytest.fixture
def later_build(build: Job) -> Job:
    """The project's second build; its first one is over."""
    Job.objects.filter(pk=build.pk).update(status="ready")
    AgentSession.objects.filter(pk=build.pk).update(state="completed")
    return Job.objects.create(project=build.project, build_number=2, created_at=clock.now())


def get(api: APIClient, job: Job, **query: Any) -> Any:
    return api.get(f"/api/jobs/{job.pk}/changes", query)


def test_what_differs_is_listed_by_path_without_the_history_and_empty_directories() -> None:
    before = (*states({"kept": b"1", "gone": b"2", "a": b"old", ".git/HEAD": b"x"}), directory("void"))
    after = states({"kept": b"1", "a": b"newer", "b": b"!", ".git/HEAD": b"y", ".gitignore": b""})
    found = [
        (change.path, change.kind, change.size_before, change.size_after) for change in compare(before, after)
    ]
    assert found == [
        (".gitignore", Kind.ADDED, None, 0),
        ("a", Kind.CHANGED, 3, 5),
        ("b", Kind.ADDED, None, 1),
        ("gone", Kind.REMOVED, 1, None),
    ]


def directory(path: str) -> FileState:
    return FileState(path, 0, "", "d755", 100.0)


def test_the_lines_of_texts_are_compared(db: None, build: Job) -> None:
    before = saved(build, {"a.py": b"one\ntwo\n", "gone": b"x"}, link="here")
    after = saved(build, {"a.py": b"one\nTWO\nthree", "new": "ünï\n".encode()}, link="there")
    page, count = diff.between(before, after)
    diffs = {change.path: change.diff for change in page}
    assert count == 4
    assert diffs["a.py"] == (
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n one\n-two\n+TWO\n+three\n\\ No newline at end of file\n"
    )
    assert diffs["new"] == "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+ünï\n"
    assert diffs["gone"] is not None
    assert "-x\n" in diffs["gone"]
    assert diffs["link"] is not None
    assert "-link to here\n+link to there\n" in diffs["link"]


def test_what_is_no_text_or_too_large_comes_without_its_lines(db: None, build: Job) -> None:
    large = b"x\n" * diff.LARGEST_TEXT
    after = saved(build, {"image": b"\x89\xff", "nul": b"a\0b", "large": large, "mode": b"same"})
    page, _ = diff.between(None, after)
    assert {change.path: change.omitted for change in page} == {
        "image": Omitted.BINARY,
        "nul": Omitted.BINARY,
        "large": Omitted.TOO_LARGE,
        "mode": None,
    }
    assert all(change.diff is None for change in page if change.omitted)


def test_a_page_of_many_long_changes_stays_small(db: None, build: Job) -> None:
    files = {f"f{number:03}": b"word\n" * 10_000 for number in range(100)}
    page, _ = diff.between(None, saved(build, files), limit=100)
    diffs = [len(change.diff.encode()) for change in page if change.diff is not None]
    assert max(diffs) <= diff.LONGEST_DIFF
    assert 0.9 * diff.LONGEST_PAGE < sum(diffs) <= diff.LONGEST_PAGE
    assert page[-1].omitted == Omitted.PAGE_FULL


def test_an_archive_that_lacks_a_file_is_damaged(db: None, build: Job) -> None:
    after = saved(build, {"a": b"1"})
    after.manifest = manifest.to_json(states({"a": b"1", "b": b"2"}))
    with pytest.raises(DamagedCode):
        diff.between(None, after)


# Through the API


def test_the_snapshots_are_listed_newest_first(api: APIClient, build: Job) -> None:
    one, two = saved(build, {"a": b"1"}), saved(build, {"a": b"1", "b": b"2"}, reason="final")
    listed = api.get(f"/api/jobs/{build.pk}/snapshots").json()
    assert [(row["id"], row["files"], row["reason"]) for row in listed] == [
        (str(two.pk), 2, "final"),
        (str(one.pk), 1, "checkpoint"),
    ]


def test_changes_are_those_since_the_build_began(api: APIClient, build: Job, later_build: Job) -> None:
    saved(build, {"a": b"1"}, reason="final")
    saved(later_build, {"a": b"1", "b": b"2"})
    (change,) = get(api, later_build).json()
    assert (change["path"], change["kind"], change["diff"] is None) == ("b", "added", False)
    assert [row["path"] for row in get(api, build).json()] == ["a"]


def test_two_snapshots_may_be_named_and_pages_are_linked(api: APIClient, build: Job) -> None:
    one = saved(build, {"a": b"1", "caf\udce9": b"x"})
    two = saved(build, {"b": b"2", "c": b"3"})
    query: dict[str, Any] = {"from": two.pk, "to": one.pk}
    first = get(api, build, limit=3, **query)
    assert [row["kind"] for row in first.json()] == ["added", "removed", "removed"]
    assert "offset=3" in first["Link"]
    assert [row["path"] for row in get(api, build, limit=3, offset=3, **query).json()] == ["caf�"]
    assert get(api, build, **{"from": one.pk, "to": one.pk}).json() == []


def test_a_build_without_files_has_no_changes(api: APIClient, build: Job) -> None:
    assert get(api, build).json() == []


def test_a_snapshot_of_another_project_is_not_found(api: APIClient, other_api: APIClient, build: Job) -> None:
    one = saved(build, {"a": b"1"})
    for name in ("from", "to"):
        assert get(api, build, **{name: uuid.uuid4()}).status_code == 404
        assert get(api, build, **{name: "nonsense"}).status_code == 404
    assert get(other_api, build, **{"from": one.pk}).status_code == 404
    assert api.get(f"/api/jobs/{build.pk}/code.zip", {"snapshot": str(uuid.uuid4())}).status_code == 404


def test_a_lost_archive_gets_503(api: APIClient, build: Job) -> None:
    storages["snapshots"].delete(saved(build, {"a": b"1"}).key)
    assert get(api, build).status_code == 503


def test_an_archive_that_was_altered_is_not_handed_out(api: APIClient, build: Job) -> None:
    snapshot = saved(build, {"a": os.urandom(50_000)})
    path = Path(storages["snapshots"].path(snapshot.key))
    altered = bytearray(path.read_bytes())
    altered[30_000] ^= 1  # in the middle of the stored bytes
    path.write_bytes(altered)
    assert api.get(f"/api/jobs/{build.pk}/code.zip").status_code == 503


def test_the_code_of_an_older_snapshot_and_of_a_build_that_changed_nothing(
    api: APIClient, build: Job, later_build: Job
) -> None:
    old = saved(build, {"old": b"1"})
    saved(build, {"new": b"1"}, reason="final")
    assert b"old" in content_of(api, build, snapshot=old.pk)
    assert b"new" in content_of(api, build)
    assert b"new" in content_of(api, later_build)


def content_of(api: APIClient, job: Job, **query: Any) -> bytes:
    answer = api.get(f"/api/jobs/{job.pk}/code.zip", query)
    return async_to_sync(body_of)(answer)


def restore(api: APIClient, job: Job, snapshot_id: uuid.UUID | str) -> Any:
    return api.post(f"/api/jobs/{job.pk}/restore", {"snapshot_id": str(snapshot_id)})


def test_going_back_is_a_new_build(api: APIClient, build: Job) -> None:
    old = saved(build, {"a": b"1"})
    Job.objects.filter(pk=build.pk).update(status="ready")
    answer = restore(api, build, old.pk)
    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    new = Job.objects.select_related("session").get(pk=answer.json()["job_id"])
    assert (new.build_number, new.session.goes_back_to_id) == (2, old.pk)
    assert restore(api, build, old.pk).status_code == 409


def test_going_back_is_refused_while_a_build_is_active_or_to_what_is_not_ones_own(
    api: APIClient, other_api: APIClient, build: Job
) -> None:
    old = saved(build, {"a": b"1"})
    assert restore(api, build, old.pk).status_code == 409
    assert restore(other_api, build, old.pk).status_code == 404
    assert restore(api, build, uuid.uuid4()).status_code == 404
    assert restore(api, build, "nonsense").status_code == 404
    assert api.post(f"/api/jobs/{build.pk}/restore", {}).status_code == 400
    assert api.get(f"/api/jobs/{build.pk}/restore").status_code == 405


def test_going_back_is_refused_where_building_is_switched_off(
    api: APIClient, build: Job, settings: Settings
) -> None:
    settings.AUTONOMOUS_AGENT = False
    assert restore(api, build, saved(build, {}).pk).status_code == 503


def test_a_snapshot_to_go_back_to_is_kept_until_then(build: Job) -> None:
    from agents.snapshots.history import working_of

    old = saved(build, {"a": b"1"})
    Job.objects.filter(pk=build.pk).update(status="ready")
    AgentSession.objects.filter(pk=build.pk).update(state="completed")
    job = go_back(old)
    assert old not in working_of(build.project_id)
    AgentSession.objects.filter(pk=job.pk).update(state="completed")
    assert old in working_of(build.project_id)
