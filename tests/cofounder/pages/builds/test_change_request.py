"""Asking for a change to a ready build."""

import pytest
from django.test import Client

from agents.actions.start import start_build
from jobs.models import Job

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ready_job(working_job: Job) -> Job:
    Job.objects.filter(pk=working_job.pk).update(status="ready")
    return working_job


def test_a_ready_build_has_the_box_and_others_have_not(browser: Client, working_job: Job) -> None:
    page = f"/builds/{working_job.pk}"
    assert "Ask for a change" not in browser.get(page).text
    for status, has_it in (("ready", True), ("failed", False), ("cancelled", False)):
        Job.objects.filter(pk=working_job.pk).update(status=status)
        assert ("Ask for a change" in browser.get(page).text) is has_it


def test_a_change_leads_to_the_brief_and_its_words_are_kept(browser: Client, ready_job: Job) -> None:
    answer = browser.post(f"/builds/{ready_job.pk}/change", {"text": " Sort it by size. "})
    page = f"/projects/{ready_job.project_id}/brief"
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    assert "Sort it by size.</textarea>" in browser.get(page).text
    assert Job.objects.count() == 1


def test_htmx_requests_are_redirected_there_too(browser: Client, ready_job: Job) -> None:
    answer = browser.post(f"/builds/{ready_job.pk}/change", {"text": "Sort it."}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/projects/{ready_job.project_id}/brief"


def test_an_older_build_points_to_the_newer(browser: Client, ready_job: Job) -> None:
    newer, _ = start_build(ready_job.project, goal="Sort it.")
    page = browser.get(f"/builds/{ready_job.pk}").text
    assert ("Ask for a change" in page, f"/builds/{newer.pk}" in page) == (False, True)


@pytest.mark.parametrize(
    ("text", "status", "sentence"),
    [
        ("", 400, "Write what should be different."),
        ("   ", 400, "Write what should be different."),
        ("a" * 10_001, 400, "at most 10,000 are allowed"),
        ("bell \x07", 400, "control characters"),
    ],
)
def test_unusable_words_are_refused(
    browser: Client, ready_job: Job, text: str, status: int, sentence: str
) -> None:
    refused = browser.post(f"/builds/{ready_job.pk}/change", {"text": text}, headers=HTMX)
    assert (refused.status_code, sentence in refused.text) == (status, True)
    assert Job.objects.count() == 1


def test_a_second_change_waits_for_the_first(browser: Client, ready_job: Job) -> None:
    start_build(ready_job.project, goal="Sort it.")
    refused = browser.post(f"/builds/{ready_job.pk}/change", {"text": "And blue."}, headers=HTMX)
    assert (refused.status_code, "already under way" in refused.text) == (409, True)


def test_what_is_not_ready_is_not_changed(browser: Client, working_job: Job) -> None:
    refused = browser.post(f"/builds/{working_job.pk}/change", {"text": "Sort it."}, headers=HTMX)
    assert (refused.status_code, "Only what is ready" in refused.text) == (409, True)
