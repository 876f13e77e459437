import json
import uuid
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from cofounder.models import User
from jobs import briefs
from jobs.models import Project

GOOD = {
    "name": "Waitlist",
    "goal": "Collect addresses",
    "idea_brief": {"problem": "Nobody can tell who wants in.", "must_have": ["a form"], "tone": "warm"},
    "interview": [{"question": "Who?", "answer": "Gardeners"}, {"question": "When?", "answer": ""}],
}


def test_a_project_is_made_with_brief_and_interview(api: APIClient, founder: User) -> None:
    answer = api.post("/api/projects", GOOD)
    assert answer.status_code == 201
    project = Project.objects.get(pk=answer.json()["id"])
    assert project.owner == founder
    assert answer.json()["idea_brief"] == GOOD["idea_brief"]
    assert answer.json()["interview"] == [{"question": "Who?", "answer": "Gardeners"}]


def test_a_brief_in_one_text_becomes_its_summary(api: APIClient) -> None:
    answer = api.post("/api/projects", {**GOOD, "idea_brief": "A waiting list for gardeners."})
    assert answer.json()["idea_brief"] == {"summary": "A waiting list for gardeners."}


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"goal": ""}, "goal", "needs a goal"),
        ({"goal": 7}, "goal", "must be text"),
        ({"name": " "}, "name", "needs a name"),
        ({"name": None}, "name", "null"),
        ({"name": "a" * 201}, "name", "at most 200"),
        ({"goal": "a" * 200_000}, "goal", "at most 50,000"),
        ({"idea_brief": {"problem": "a" * 200_000}}, "idea_brief", "at most 50,000"),
        ({"idea_brief": {"problem": "bell \x07"}}, "idea_brief", "control characters"),
        ({"idea_brief": {}}, "idea_brief", "at least one field"),
        ({"idea_brief": {"must_have": "a form"}}, "idea_brief", "list of texts"),
        ({"idea_brief": [1]}, "idea_brief", "must be an object"),
        ({"interview": "yes"}, "interview", "must be a list"),
        ({"interview": [{"answer": "no question"}]}, "interview", "needs a question"),
    ],
)
def test_a_bad_brief_gets_one_clear_sentence_and_stores_nothing(
    api: APIClient, change: dict[str, Any], field: str, sentence: str
) -> None:
    answer = api.post("/api/projects", {**GOOD, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid")
    assert sentence in error["message"]
    assert list(error["fields"]) == [field]
    assert not Project.objects.exists()


@pytest.mark.parametrize("missing", ["name", "goal", "idea_brief"])
def test_a_missing_field_is_named(api: APIClient, missing: str) -> None:
    answer = api.post("/api/projects", {key: value for key, value in GOOD.items() if key != missing})
    assert answer.status_code == 400
    assert missing in answer.json()["error"]["fields"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '"text"',
        "null",
        "[" * 100_000,
        '{"name": "\\ud800"}',
        '{"name": NaN}',
        '{"a":' * 60 + "1" + "}" * 60,
    ],
)
def test_nonsensical_json_is_refused(api: APIClient, body: str) -> None:
    answer = api.post("/api/projects", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_body_of_more_than_a_megabyte_is_refused(api: APIClient) -> None:
    answer = api.post("/api/projects", json.dumps({"goal": "a" * 1_000_001}), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_form_is_refused(api: APIClient) -> None:
    answer = api.post("/api/projects", "name=x", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_founder_sees_only_their_own_projects(
    api: APIClient, other_api: APIClient, project: Project
) -> None:
    assert [row["id"] for row in api.get("/api/projects").json()] == [str(project.pk)]
    assert other_api.get("/api/projects").json() == []


def test_a_long_list_comes_in_pages(api: APIClient, project: Project) -> None:
    for number in range(3):
        api.post("/api/projects", {**GOOD, "name": f"P{number}"})
    first = api.get("/api/projects?limit=2")
    address = first["Link"].split(";")[0].strip("<>")
    names = [row["name"] for row in first.json() + api.get(address).json()]
    assert names == ["P2", "P1", "P0", "Uniform Swap"]
    assert "Link" not in api.get(address)


def test_a_change_of_the_brief_is_a_new_version(api: APIClient, project: Project) -> None:
    answer = api.patch(
        f"/api/projects/{project.pk}", {"idea_brief": {"problem": "Another one"}, "name": "New"}
    )
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["idea_brief"]) == ("New", {"problem": "Another one"})
    latest = briefs.latest_brief(project)
    assert latest is not None
    assert latest.version == 2
    assert answer.json()["goal"] == project.goal


def test_a_new_interview_counts_instead_of_the_old(api: APIClient, project: Project) -> None:
    answer = api.patch(f"/api/projects/{project.pk}", {"interview": [{"question": "Q", "answer": "A"}]})
    assert answer.json()["interview"] == [{"question": "Q", "answer": "A"}]


def test_a_bad_change_changes_nothing(api: APIClient, project: Project) -> None:
    answer = api.patch(f"/api/projects/{project.pk}", {"name": "New", "goal": ""})
    project.refresh_from_db()
    assert (answer.status_code, project.name) == (400, "Uniform Swap")


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_founder_s_project_is_not_there(other_api: APIClient, project: Project, method: str) -> None:
    answer = getattr(other_api, method)(f"/api/projects/{project.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert Project.objects.filter(pk=project.pk).exists()


@pytest.mark.parametrize("name", [uuid.UUID(int=7), "seven", "a" * 500])
def test_an_impossible_id_is_not_found(api: APIClient, name: Any) -> None:
    answer = api.get(f"/api/projects/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_wrong_methods_are_refused(api: APIClient, project: Project) -> None:
    assert api.put("/api/projects", GOOD).status_code == 405
    answer = api.post(f"/api/projects/{project.pk}", GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("method", ["get", "post"])
def test_signed_out_nothing_works(client: Client, db: None, method: str) -> None:
    answer = getattr(client, method)("/api/projects")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
