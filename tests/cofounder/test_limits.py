"""How often strangers and founders may make requests; losing Redis locks nobody out."""

import base64
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from cofounder.models import User
from jobs.api.throttles import ChangesThrottle
from jobs.models import Job, Project


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything may be requested once an hour."""
    rates = dict.fromkeys(ChangesThrottle.THROTTLE_RATES, "1/hour")
    monkeypatch.setattr(ChangesThrottle, "THROTTLE_RATES", rates)


def basic(email: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


def test_too_many_changes_are_refused_in_the_one_shape_with_the_time_to_wait(
    api: APIClient, once: None
) -> None:
    assert api.post("/api/generation/start", {"project_id": "x"}).status_code == 404
    answer = api.post("/api/generation/start", {"project_id": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "throttled")
    assert 3500 < int(answer["Retry-After"]) <= 3600


def test_reading_is_free(api: APIClient, once: None) -> None:
    assert [api.get("/api/projects").status_code for _ in range(3)] == [200, 200, 200]


def test_one_founder_s_limit_does_not_affect_another(
    api: APIClient, other_api: APIClient, once: None
) -> None:
    api.post("/api/generation/start", {})
    assert other_api.post("/api/generation/start", {}).status_code == 400


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("post", "/api/jobs/{job}/pause"),
        ("post", "/api/jobs/{job}/restore"),
        ("post", "/api/budget/today"),
        ("patch", "/api/projects/{project}"),
    ],
)
def test_whatever_adds_rows_is_counted(
    api: APIClient, job: Job, once: None, method: str, address: str
) -> None:
    place = address.format(job=job.pk, project=job.project_id)
    answers = [getattr(api, method)(place, {}).status_code for _ in range(2)]
    assert (answers[0] != 429, answers[1]) == (True, 429)


@pytest.mark.parametrize(
    "address", ["/builds/{job}/pause", "/money/today", "/money/top-up", "/projects/{project}/links/new"]
)
def test_so_are_the_pages(browser: Client, job: Job, once: None, address: str) -> None:
    place = address.format(job=job.pk, project=job.project_id)
    answers = [browser.post(place).status_code for _ in range(2)]
    assert (answers[0] != 429, answers[1]) == (True, 429)


def test_page_and_api_count_together(browser: Client, api: APIClient, project: Project, once: None) -> None:
    api.post("/api/generation/start", {})
    answer = browser.post(f"/projects/{project.pk}/start")
    assert (answer.status_code, "A little slower" in answer.text) == (429, True)
    assert answer["Retry-After"]


def test_a_refusal_of_the_page_is_a_note_for_htmx(browser: Client, job: Job, once: None) -> None:
    send: dict[str, Any] = {
        "path": f"/builds/{job.pk}/messages",
        "data": {"text": "hello"},
        "headers": {"HX-Request": "true"},
    }
    assert browser.post(**send).status_code == 200
    answer = browser.post(**send)
    assert (answer.status_code, "too many tries" in answer.text) == (429, True)
    assert (answer["HX-Retarget"], answer["Retry-After"] > "") == ("#notices", True)


def test_wrong_passwords_lock_the_token_address_and_the_sign_in_page(client: Client, founder: User) -> None:
    wrong, right = basic(founder.email, "wrong"), basic(founder.email, "correct horse battery")
    answers = [client.post("/api/auth/tokens", headers=wrong).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    locked = client.post("/api/auth/tokens", headers=right)
    assert (locked.status_code, locked["Retry-After"]) == (429, "300")
    page = client.post("/accounts/login/", {"login": founder.email, "password": "correct horse battery"})
    assert "Too many failed" in page.text


def test_the_right_password_makes_a_token(client: Client, founder: User) -> None:
    answer = client.post("/api/auth/tokens", headers=basic(founder.email.upper(), "correct horse battery"))
    assert answer.status_code == 201


@pytest.mark.parametrize("given", ["", "::", "\0:\0", "a@b.c\0:x", "ü:ü", "x" * 5000 + ":y"])
def test_nonsense_for_a_login_is_refused(client: Client, db: None, given: str) -> None:
    headers = {"authorization": "Basic " + base64.b64encode(given.encode()).decode()}
    assert client.post("/api/auth/tokens", headers=headers).status_code == 401


def test_a_stranger_s_links_are_counted_by_address(client: Client, db: None, once: None) -> None:
    assert client.post("/enter/nonsense").status_code == 410
    assert client.post("/enter/nonsense").status_code == 429
    assert client.post("/enter/nonsense", REMOTE_ADDR="192.0.2.7").status_code == 410


def test_the_address_a_stranger_claims_is_not_believed(client: Client, db: None, once: None) -> None:
    client.post("/enter/nonsense", headers={"x-forwarded-for": "192.0.2.1"})
    answer = client.post("/enter/nonsense", headers={"x-forwarded-for": "192.0.2.2"})
    assert answer.status_code == 429


def test_without_redis_nobody_is_refused(
    client: Client, founder: User, once: None, settings: Settings, tmp_path: Path
) -> None:
    """And nobody gets in who could not otherwise."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/none"}}
    right, wrong = basic(founder.email, "correct horse battery"), basic(founder.email, "wrong")
    assert [client.post("/api/auth/tokens", headers=right).status_code for _ in range(3)] == [201] * 3
    assert [client.post("/api/auth/tokens", headers=wrong).status_code for _ in range(7)] == [401] * 7
    page = client.post("/accounts/login/", {"login": founder.email, "password": "correct horse battery"})
    assert page.status_code == 302
