import json

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from rest_framework.exceptions import ValidationError

from jobs.api.errors import error_response, shaped
from jobs.errors import Conflict


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/projects/", "/api/jobs/1/2/3"])
def test_an_unknown_address_has_the_api_s_shape(client: Client, db: None, path: str) -> None:
    answer = client.post(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not_found", "message": "There is nothing at this address."}}


def test_a_handler_of_django_keeps_the_shape_under_api_and_the_page_elsewhere() -> None:
    page = HttpResponse("a page")
    handler = shaped(500, lambda request: page)
    assert handler(RequestFactory().get("/projects")) is page
    answer = handler(RequestFactory().get("/api/projects"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")


def test_a_refusal_of_ours_keeps_its_sentence_and_field(db: None) -> None:
    answer = error_response(Conflict("Not now.", field="text"), {})
    expected = {"code": "conflict", "message": "Not now.", "fields": {"text": ["Not now."]}}
    assert answer is not None
    assert (answer.status_code, json.loads(answer.content)) == (409, {"error": expected})


def test_a_refusal_without_a_sentence_says_what_its_kind_says() -> None:
    assert str(Conflict()) == "This cannot be done in the present state."


def test_nested_mistakes_are_named_by_their_path(db: None) -> None:
    answer = error_response(ValidationError({"a": [{}, {"b": ["Wrong."]}]}), {})
    assert answer is not None
    assert json.loads(answer.content)["error"]["fields"] == {"a.1.b": ["Wrong."]}


def test_what_is_unknown_stays_a_defect(db: None) -> None:
    assert error_response(RuntimeError("boom"), {}) is None


def test_a_wrong_token_is_told_so(client: Client, db: None) -> None:
    answer = client.get("/api/projects", headers={"authorization": "Token nonsense"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")
