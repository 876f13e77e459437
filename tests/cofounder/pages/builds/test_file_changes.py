"""What changed between two snapshots of the files."""

import hashlib
import io
import tarfile
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client

from agents.models import Snapshot
from cofounder.templatetags.figures import diff_lines
from jobs import clock
from jobs.models import Job


def _save(job: Job, files: dict[str, str], *, stored: bool = True) -> Snapshot:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    key = f"projects/{job.project_id}/snapshots/{uuid4()}.tar.gz"
    if stored:
        storages["snapshots"].save(key, ContentFile(buffer.getvalue()))
    manifest = [
        {
            "path": path,
            "size": len(text.encode()),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "mode": "f644",
            "changed": 0.0,
        }
        for path, text in files.items()
    ]
    return Snapshot.objects.create(
        project=job.project,
        job=job,
        key=key,
        size=buffer.tell(),
        sha256="0" * 64,
        manifest=manifest,
        reason="checkpoint",
        created_at=clock.now(),
    )


@pytest.fixture
def saved(working_job: Job) -> list[Snapshot]:
    return [
        _save(working_job, {"app.py": "one\ntwo\n", "gone.txt": "x\n"}),
        _save(working_job, {"app.py": "one\nthree\n", "<new>.txt": "y\n"}),
    ]


def test_from_the_beginning_everything_is_new(
    browser: Client, saved: list[Snapshot], working_job: Job
) -> None:
    page = browser.get(f"/builds/{working_job.pk}/changes").text
    assert "2 files differ" in page
    assert '<span class="added">+three' in page


def test_the_names_above_a_diff_are_no_changed_lines() -> None:
    lines = diff_lines("--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- old\n+new\n same")
    assert [kind for kind, _ in lines] == ["place", "place", "place", "removed", "added", "kept"]
    assert diff_lines("") == []


def test_two_moments_are_compared(browser: Client, saved: list[Snapshot], working_job: Job) -> None:
    query = {"from": str(saved[0].pk), "to": str(saved[1].pk)}
    page = browser.get(f"/builds/{working_job.pk}/changes", query).text
    assert "3 files differ" in page
    assert '<span class="removed">-two' in page
    assert "&lt;new&gt;.txt" in page
    assert "gone.txt" in page


def test_the_same_moment_twice_differs_in_nothing(
    browser: Client, saved: list[Snapshot], working_job: Job
) -> None:
    query = {"from": str(saved[0].pk), "to": str(saved[0].pk)}
    assert "Nothing differs" in browser.get(f"/builds/{working_job.pk}/changes", query).text


def test_before_the_first_files_the_page_says_so(browser: Client, working_job: Job) -> None:
    assert "No files have been saved yet" in browser.get(f"/builds/{working_job.pk}/changes").text


def test_an_archive_that_is_gone_is_told_in_a_sentence(browser: Client, working_job: Job) -> None:
    _save(working_job, {"app.py": "x"}, stored=False)
    page = browser.get(f"/builds/{working_job.pk}/changes")
    assert page.status_code == 200
    assert "cannot be read at the moment" in page.text


def test_many_files_come_in_pages(browser: Client, working_job: Job) -> None:
    _save(working_job, {f"file-{n:03}.txt": "x\n" for n in range(70)})
    first = browser.get(f"/builds/{working_job.pk}/changes").text
    assert "file-049.txt" in first
    assert "file-050.txt" not in first
    assert 'href="?offset=50"' in first
    assert "file-069.txt" in browser.get(f"/builds/{working_job.pk}/changes?offset=50").text


UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("query", ["from=x", f"from={UNKNOWN}", "to=7", "offset=-1", "offset=x"])
def test_nonsense_is_not_found(browser: Client, saved: list[Snapshot], working_job: Job, query: str) -> None:
    assert browser.get(f"/builds/{working_job.pk}/changes?{query}").status_code == 404


def test_another_founders_files_do_not_exist(
    other_browser: Client, saved: list[Snapshot], working_job: Job
) -> None:
    assert other_browser.get(f"/builds/{working_job.pk}/changes").status_code == 404


def test_the_page_only_reads(browser: Client, working_job: Job) -> None:
    assert browser.post(f"/builds/{working_job.pk}/changes").status_code == 405
