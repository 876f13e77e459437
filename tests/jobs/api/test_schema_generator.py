"""The API's description, as anybody may ask for it."""

from typing import Any

from django.test import Client

from jobs.api.schema_generator import Generator
from tests.races import at_once


def ask() -> Any:
    return Client().get("/api/schema?format=json")


def test_many_who_ask_at_once_get_the_same(transactional_db: None) -> None:
    Generator._described = None
    answers = at_once(*[ask] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_what_is_asked_for_with_a_version_or_a_language_is_not_kept_for_others(db: None) -> None:
    Generator._described = None
    odd = Client().get("/api/schema?format=json&lang=de&version=x").json()
    assert odd == ask().json()
