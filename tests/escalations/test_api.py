import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from cofounder.models import User
from escalations.models import AgentEscalation
from jobs.models import Job
from tests.races import at_once


def resolve_url(escalation: AgentEscalation) -> str:
    return f"/api/escalations/{escalation.pk}/resolve"


def test_an_escalation_is_shown_with_what_was_tried_and_the_options(
    api: APIClient, escalation: AgentEscalation
) -> None:
    answer = api.get(f"/api/escalations/{escalation.pk}")
    assert answer.status_code == 200
    assert answer.json()["attempts_summary"] == ["Read it in one go", "Read it page by page"]
    assert answer.json()["options"] == escalation.options
    assert answer.json()["job_id"] == str(escalation.job_id)
    assert (answer.json()["status"], answer.json()["resolved_at"]) == ("pending", None)


def test_the_questions_of_a_build_come_newest_first(
    api: APIClient, ask: Callable[..., AgentEscalation]
) -> None:
    first, second = ask("a"), ask("b")
    answer = api.get(f"/api/jobs/{first.job_id}/escalations")
    assert [row["id"] for row in answer.json()] == [str(second.pk), str(first.pk)]


def test_a_build_without_questions_gives_an_empty_list(api: APIClient, build: Job) -> None:
    assert api.get(f"/api/jobs/{build.pk}/escalations").json() == []


def test_open_questions_can_be_listed_alone(api: APIClient, ask: Callable[..., AgentEscalation]) -> None:
    answered, still_open = ask("a"), ask("b")
    api.post(resolve_url(answered), {"decision": "skip_feature"})
    answer = api.get("/api/escalations?status=pending")
    assert [row["id"] for row in answer.json()] == [str(still_open.pk)]


def test_an_unknown_status_is_refused(api: APIClient) -> None:
    answer = api.get("/api/escalations?status=lost")
    assert answer.status_code == 400
    assert "pending, resolved, skipped" in answer.json()["error"]["message"]


def test_resolving_gives_the_answered_escalation(api: APIClient, escalation: AgentEscalation) -> None:
    answer = api.post(resolve_url(escalation), {"decision": "provide_guidance", "guidance": "Use a table."})
    assert answer.status_code == 200
    assert answer.json()["status"] == "resolved"
    assert answer.json()["founder_guidance"] == "Use a table."


def test_a_secret_never_comes_back(api: APIClient, escalation: AgentEscalation) -> None:
    body = {"decision": "skip_feature", "secrets": {"STRIPE_KEY": "sk-12345"}}
    answer = api.post(resolve_url(escalation), body)
    assert answer.status_code == 200
    assert "sk-12345" not in answer.content.decode()


def test_a_refused_secret_is_not_repeated(api: APIClient, escalation: AgentEscalation) -> None:
    answer = api.post(resolve_url(escalation), {"decision": "skip_feature", "secrets": {"lower": "sk-12345"}})
    assert answer.status_code == 400
    assert "sk-12345" not in answer.content.decode()


def test_a_second_resolve_gets_409_and_changes_nothing(api: APIClient, escalation: AgentEscalation) -> None:
    api.post(resolve_url(escalation), {"decision": "skip_feature"})
    answer = api.post(resolve_url(escalation), {"decision": "simpler_version"})
    escalation.refresh_from_db()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert escalation.founder_decision == "skip_feature"


@pytest.mark.django_db(transaction=True)
def test_of_two_resolves_at_once_one_gets_200_and_one_409(founder: User, escalation: AgentEscalation) -> None:
    def answer(decision: str) -> int:
        client = APIClient()
        client.force_authenticate(founder)
        return client.post(resolve_url(escalation), {"decision": decision}).status_code

    assert sorted(at_once(lambda: answer("skip_feature"), lambda: answer("simpler_version"))) == [200, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "decision"),
        ({"decision": "burn_it"}, "decision"),
        ({"decision": "provide_guidance"}, "guidance"),
        ({"decision": "skip_feature", "guidance": ["no"]}, "guidance"),
        ({"decision": "skip_feature", "secrets": "no"}, "secrets"),
        ({"decision": "a" * 101}, "decision"),
    ],
)
def test_a_bad_answer_gets_400_that_names_the_field(
    api: APIClient, escalation: AgentEscalation, body: dict[str, Any], field: str
) -> None:
    answer = api.post(resolve_url(escalation), body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    escalation.refresh_from_db()
    assert escalation.status == "pending"


def test_another_founder_s_question_is_not_there(other_api: APIClient, escalation: AgentEscalation) -> None:
    assert other_api.get(f"/api/escalations/{escalation.pk}").status_code == 404
    assert other_api.post(resolve_url(escalation), {"decision": "skip_feature"}).status_code == 404
    assert other_api.get(f"/api/jobs/{escalation.job_id}/escalations").status_code == 404
    assert other_api.get("/api/escalations").json() == []
    escalation.refresh_from_db()
    assert escalation.status == "pending"


def test_a_missing_question_is_not_there(api: APIClient) -> None:
    assert api.get(f"/api/escalations/{uuid.uuid4()}").status_code == 404
    assert api.post(f"/api/escalations/{uuid.uuid4()}/resolve", {"decision": "x"}).status_code == 404
    assert api.get("/api/escalations/seven").json()["error"]["code"] == "not_found"


def test_signed_out_nothing_is_shown(client: Client, escalation: AgentEscalation) -> None:
    answer = client.get(f"/api/escalations/{escalation.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


def test_a_question_cannot_be_deleted(api: APIClient, escalation: AgentEscalation) -> None:
    answer = api.delete(f"/api/escalations/{escalation.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert api.get(resolve_url(escalation)).status_code == 405
