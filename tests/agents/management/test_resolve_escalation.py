"""An operator answers a question."""

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from escalations.models import AgentEscalation
from jobs import clock, project_secrets
from jobs.models import Job


@pytest.fixture
def question(build: Job) -> AgentEscalation:
    return AgentEscalation.objects.create(
        session_id=build.pk,
        job=build,
        project=build.project,
        error_type="missing_credentials",
        error_signature="s",
        plain_english_problem="I need the key STRIPE_API_KEY.",
        options=[
            {"value": "provide_credentials", "label": "Give me access", "description": ""},
            {"value": "skip_feature", "label": "Leave it out", "description": ""},
        ],
        created_at=clock.now(),
    )


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("resolve_escalation", *map(str, arguments), stdout=out)
    return out.getvalue().strip()


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(text))


def test_a_question_is_answered_and_who_did_is_recorded(question: AgentEscalation) -> None:
    said = run(question.pk, "skip_feature", "--guidance", "It can wait.")
    assert said == "The question of Uniform Swap is answered with skip_feature."
    question.refresh_from_db()
    assert (question.founder_decision, question.founder_guidance) == ("skip_feature", "It can wait.")
    assert (question.resolved_via, question.resolved_by) == ("operator", None)


def test_the_answer_is_json_on_demand(question: AgentEscalation) -> None:
    assert json.loads(run(question.pk, "skip_feature", "--json")) == {
        "escalation_id": str(question.pk),
        "job_id": str(question.job_id),
        "project": "Uniform Swap",
        "decision": "skip_feature",
        "secret_names": [],
    }


@pytest.mark.parametrize(
    ("names", "typed", "kept"),
    [
        (["KEY"], "sk-123456\n", {"KEY": "sk-123456"}),
        (["KEY"], "-----BEGIN\nabcdef\n-----END\n", {"KEY": "-----BEGIN\nabcdef\n-----END"}),
        (["B_KEY", "A_KEY"], "sk-1234b\nsk-1234a\n", {"A_KEY": "sk-1234a", "B_KEY": "sk-1234b"}),
    ],
)
def test_values_are_read_from_standard_input(
    question: AgentEscalation,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    typed: str,
    kept: dict[str, str],
) -> None:
    type_in(monkeypatch, typed)
    said = run(question.pk, "provide_credentials", *(f"--secret={name}" for name in names), "--json")
    assert project_secrets.values_of(question.project_id) == kept
    assert json.loads(said)["secret_names"] == sorted(names)
    assert not any(value in said for value in kept.values())


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (["burn_it"], "", "Choose one of: provide_credentials, skip_feature, provide_guidance"),
        (["provide_guidance"], "", "own words"),
        (["provide_credentials"], "", "Enter the key or password"),
        (["provide_credentials", "--secret=KEY"], "", "1 to 10,000 characters"),
        (["provide_credentials", "--secret=KEY"], "123\n", "too short to be kept secret"),
        (["provide_credentials", "--secret=PATH"], "sk-123456\n", "used by the sandbox"),
        (["provide_credentials", "--secret=A", "--secret=A"], "x\ny\n", "named twice"),
        (["provide_credentials", "--secret=A", "--secret=B"], "sk-123456\n", "1 lines for 2 secrets"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    question: AgentEscalation,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    typed: str,
    sentence: str,
) -> None:
    type_in(monkeypatch, typed)
    with pytest.raises(CommandError, match=sentence) as refused:
        run(question.pk, *arguments)
    assert "sk-123456" not in str(refused.value)
    question.refresh_from_db()
    assert question.status == "pending"


def test_an_answered_question_is_refused_with_a_sentence(question: AgentEscalation) -> None:
    run(question.pk, "skip_feature")
    with pytest.raises(CommandError, match="answered already"):
        run(question.pk, "skip_feature")


def test_an_unknown_question_is_refused_with_a_sentence(db: None) -> None:
    with pytest.raises(CommandError, match="There is no question"):
        run(uuid.uuid4(), "skip_feature")
