"""The API does what its OpenAPI document says, whatever is sent. `make fuzz` sends much more."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Err
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cofounder.models import User
from escalations.models import AgentEscalation

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_wsgi("/api/schema?format=json", get_wsgi_application())


def described() -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """Every call that the schema describes; one that it describes badly is an error."""
    for found in SCHEMA.get_all_operations():
        if isinstance(found, Err):
            raise found.err()
        yield found.ok()


CALLS = {f"{call.method.upper()} {call.path}": call for call in described()}

pytestmark = [
    pytest.mark.timeout(3600 if EXAMPLES > 100 else 180),
    # The test's own server is synchronous; the product's is asynchronous.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]


class Undo(Exception):
    """Leaves the rows as they were."""


@pytest.fixture
def ids(question: AgentEscalation) -> dict[str, str]:
    """One of the founder's objects for each id in an address."""
    return {
        "project_id": str(question.project_id),
        "job_id": str(question.job_id),
        "escalation_id": str(question.pk),
        "name": "STRIPE_KEY",
    }


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """As Django's own test client does: the end of a request leaves the test's transaction open."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(founder: User) -> dict[str, str]:
    from knox.models import AuthToken

    return {"Authorization": f"Token {AuthToken.objects.create(founder)[1]}"}


def sent(call: Any) -> Any:
    """What the schema allows, and what it does not."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return st.one_of([call.as_strategy(generation_mode=mode) for mode in modes])


@pytest.mark.parametrize("name", sorted(CALLS))
def test_an_answer_is_one_that_is_described(
    ids: dict[str, str], headers: dict[str, str], no_limits: None, name: str
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES < 100,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=sent(CALLS[name]), is_own=st.booleans())
    def ask(case: Any, is_own: bool) -> None:
        if is_own:
            case.path_parameters = {
                key: ids.get(key, value) for key, value in (case.path_parameters or {}).items()
            }
        try:
            with transaction.atomic():
                case.validate_response(case.call(headers=headers), checks=CHECKS)
                raise Undo
        except Undo:
            pass

    ask()


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.api.throttles import ChangesThrottle

    monkeypatch.setattr(ChangesThrottle, "THROTTLE_RATES", dict.fromkeys(ChangesThrottle.THROTTLE_RATES))


def test_every_call_says_how_it_refuses() -> None:
    for calls in SCHEMA.raw_schema["paths"].values():
        for call in calls.values():
            assert call["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith(
                "/Error"
            )


def test_every_list_has_pages() -> None:
    """A list is a plain array; its length is limited, and the next page can be requested."""
    short = {
        "/api/jobs/{job_id}/checks",
        "/api/jobs/{job_id}/documents",
        "/api/projects/{project_id}/secrets",
    }
    for path, calls in SCHEMA.raw_schema["paths"].items():
        answers = calls.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = answers.get("application/json", {}).get("schema", {})
        if schema.get("type") == "array" and path not in short:
            assert "limit" in [given["name"] for given in calls["get"]["parameters"]], path


def test_start_takes_an_idempotency_key() -> None:
    given = SCHEMA.raw_schema["paths"]["/api/generation/start"]["post"]["parameters"]
    assert ("Idempotency-Key", "header") in [(one["name"], one["in"]) for one in given]
