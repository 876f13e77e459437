"""Screenshots."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from jobs import events
from jobs.models import EventType, Job


def _store(job: Job, name: str) -> str:
    stored = default_storage.save(f"tests/{job.pk}/{name}", ContentFile(b"\x89PNG"))
    events.record(
        job.pk,
        EventType.TOOL_FINISHED,
        call_id="s",
        tool="take_screenshot",
        label="Looked",
        ok=True,
        image=stored,
    )
    return stored


def test_the_owner_sees_a_screenshot(browser: Client, working_job: Job) -> None:
    answer = browser.get(f"/builds/{working_job.pk}/images/{_store(working_job, 'a.png')}")
    assert answer.getvalue() == b"\x89PNG"
    assert answer.headers["Content-Type"] == "image/png"


def test_another_founder_does_not(other_browser: Client, working_job: Job) -> None:
    name = _store(working_job, "a.png")
    assert other_browser.get(f"/builds/{working_job.pk}/images/{name}").status_code == 404


def test_a_file_that_is_not_an_image_is_never_served(browser: Client, working_job: Job) -> None:
    name = _store(working_job, "a.html")
    assert browser.get(f"/builds/{working_job.pk}/images/{name}").status_code == 404


@pytest.mark.parametrize("name", ["other.png", "../keys.png", "a/../../b.png"])
def test_a_name_the_log_does_not_mention_is_not_looked_up(
    browser: Client, working_job: Job, name: str
) -> None:
    assert browser.get(f"/builds/{working_job.pk}/images/{name}").status_code == 404
