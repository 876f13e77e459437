from io import StringIO
from typing import Any

from django.core.management import call_command
from django.test import Client
from knox.models import AuthToken
from rest_framework.test import APIClient

from cofounder.models import User
from jobs.models import Project


def make(client: APIClient) -> Any:
    return client.post("/api/auth/tokens").json()["token"]


def test_a_token_opens_the_api_until_it_is_ended(api: APIClient, client: Client, project: Project) -> None:
    headers = {"authorization": f"Token {make(api)}"}
    assert client.get("/api/projects", headers=headers).json()[0]["id"] == str(project.pk)
    assert client.delete("/api/auth/tokens", headers=headers).status_code == 204
    assert client.get("/api/projects", headers=headers).status_code == 401


def test_a_wrong_password_makes_no_token(client: Client, founder: User) -> None:
    headers = {"authorization": "Basic Zm91bmRlckBleGFtcGxlLmNvbTp3cm9uZw=="}
    assert client.post("/api/auth/tokens", headers=headers).status_code == 401
    assert not AuthToken.objects.exists()


def test_a_session_is_not_ended_as_a_token(api: APIClient) -> None:
    assert api.delete("/api/auth/tokens").status_code == 400


def test_the_api_describes_itself_without_a_warning(db: None) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())


def test_schema_and_docs_are_served(client: Client, db: None) -> None:
    assert client.get("/api/schema").status_code == 200
    assert b"swagger" in client.get("/api/docs").content.lower()
