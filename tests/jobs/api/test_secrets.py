"""A project's secrets in the API."""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from cofounder.models import User
from jobs import project_secrets
from jobs.models import Project


@pytest.fixture
def url(project: Project) -> str:
    return f"/api/projects/{project.pk}/secrets"


def test_secrets_are_added_replaced_listed_by_name_and_removed(
    api: APIClient, url: str, project: Project
) -> None:
    for value in ("sk-first", "sk-second"):
        assert api.put(f"{url}/STRIPE_KEY", {"value": value}).json() == {"name": "STRIPE_KEY"}
    assert api.get(url).json() == [{"name": "STRIPE_KEY"}]
    assert project_secrets.values_of(project.pk) == {"STRIPE_KEY": "sk-second"}
    assert api.delete(f"{url}/STRIPE_KEY").status_code == 204
    assert api.get(url).json() == []
    assert api.delete(f"{url}/STRIPE_KEY").status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("stripe", {"value": "sk-123456"}, "capital letters"),
        ("PATH", {"value": "sk-123456"}, "used by the sandbox"),
        ("KEY", {"value": "pin"}, "too short to be kept secret"),
        ("KEY", {"value": "x" * 10_001}, "1 to 10,000 characters"),
        ("KEY", {}, "required"),
        ("KEY", {"value": ["sk-123456"]}, "valid string"),
    ],
)
def test_an_unusable_secret_is_refused_and_not_repeated(
    api: APIClient, url: str, name: str, body: dict[str, Any], sentence: str
) -> None:
    answer = api.put(f"{url}/{name}", body)
    assert (answer.status_code, sentence in answer.json()["error"]["message"]) == (400, True)
    assert "sk-123456" not in answer.text
    assert api.get(url).json() == []


def test_another_founder_s_secrets_are_not_there(api: APIClient, other_api: APIClient, url: str) -> None:
    api.put(f"{url}/KEY", {"value": "sk-123456"})
    assert other_api.get(url).status_code == 404
    assert other_api.put(f"{url}/KEY", {"value": "sk-654321"}).status_code == 404
    assert other_api.delete(f"{url}/KEY").status_code == 404
    assert api.get(url).json() == [{"name": "KEY"}]


def test_a_secret_cannot_be_read(api: APIClient, url: str) -> None:
    api.put(f"{url}/KEY", {"value": "sk-123456"})
    assert api.get(f"{url}/KEY").status_code == 405


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "production"])
def test_no_error_page_and_no_log_line_repeats_a_secret(
    founder: User, url: str, settings: Settings, capfd: pytest.CaptureFixture[str], debug: bool
) -> None:
    client = APIClient(raise_request_exception=False)
    client.force_login(founder)
    settings.DEBUG, settings.FIELD_ENCRYPTION_KEYS = debug, ["no key"]
    answer = client.put(f"{url}/KEY", {"value": "sk-123456"})
    assert answer.status_code == 500
    assert "sk-123456" not in answer.text + "".join(capfd.readouterr())
