from collections.abc import Callable
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions import control
from cofounder.models import User
from escalations.answers import BadAnswer, resolve
from escalations.models import AgentEscalation, ErrorSignature
from jobs.briefs import BadBrief
from jobs.errors import Conflict
from jobs.models import ProjectSecret
from jobs.project_secrets import BadSecret
from tests.races import at_once


def test_an_answer_is_written_with_who_gave_it(escalation: AgentEscalation, founder: User) -> None:
    answered = resolve(escalation.pk, decision="skip_feature", guidance="Later.", by=founder)
    escalation.refresh_from_db()
    assert (escalation.status, escalation.founder_decision) == ("resolved", "skip_feature")
    assert (escalation.founder_guidance, escalation.resolved_by) == ("Later.", founder)
    assert escalation.delivered_at is None
    assert answered.resolved_at == escalation.resolved_at


def test_an_answer_begins_the_failure_s_count_anew(
    escalation: AgentEscalation, signature: ErrorSignature, founder: User
) -> None:
    resolve(escalation.pk, decision="skip_feature", by=founder)
    signature.refresh_from_db()
    assert (signature.attempts, signature.escalated_at) == ([], None)
    assert signature.reset_at is not None


def test_an_answer_is_an_event_and_queues_a_run(escalation: AgentEscalation, founder: User) -> None:
    resolve(escalation.pk, decision="skip_feature", guidance="Later.", by=founder)
    escalation.refresh_from_db()
    assert escalation.resolved_at is not None
    assert escalation.job.events.get(type="agent.escalation_resolved").payload == {
        "escalation_id": str(escalation.pk),
        "resolution": "skip_feature",
        "guidance": "Later.",
        "resolved_at": escalation.resolved_at.isoformat(),
    }
    assert ProcrastinateJob.objects.filter(task_name="agents.run").count() == 2


def test_guidance_is_valid_on_every_question(escalation: AgentEscalation, founder: User) -> None:
    answered = resolve(escalation.pk, decision="provide_guidance", guidance="Use a table.", by=founder)
    assert answered.founder_decision == "provide_guidance"


@pytest.mark.parametrize("guidance", ["", "   "])
def test_guidance_must_say_something(escalation: AgentEscalation, founder: User, guidance: str) -> None:
    with pytest.raises(BadAnswer, match="own words"):
        resolve(escalation.pk, decision="provide_guidance", guidance=guidance, by=founder)


def test_an_unknown_decision_names_the_known_ones(escalation: AgentEscalation, founder: User) -> None:
    with pytest.raises(BadAnswer, match="skip_feature, simpler_version, provide_guidance"):
        resolve(escalation.pk, decision="burn_it", by=founder)
    escalation.refresh_from_db()
    assert escalation.status == "pending"


@pytest.mark.parametrize("guidance", ["a" * 10_001, "bell \x07"])
def test_unusable_guidance_is_refused(escalation: AgentEscalation, founder: User, guidance: str) -> None:
    with pytest.raises(BadBrief):
        resolve(escalation.pk, decision="skip_feature", guidance=guidance, by=founder)


def test_a_second_answer_is_refused_and_changes_nothing(escalation: AgentEscalation, founder: User) -> None:
    resolve(escalation.pk, decision="skip_feature", by=founder)
    with pytest.raises(Conflict, match="answered already"):
        resolve(escalation.pk, decision="simpler_version", by=founder)
    escalation.refresh_from_db()
    assert escalation.founder_decision == "skip_feature"


def test_a_question_of_a_stopped_build_needs_no_answer(escalation: AgentEscalation, founder: User) -> None:
    control.cancel(escalation.job, founder)
    with pytest.raises(Conflict, match="needs no answer"):
        resolve(escalation.pk, decision="skip_feature", by=founder)


def test_secrets_are_kept_encrypted_and_replaced(
    escalation: AgentEscalation, ask: Callable[..., AgentEscalation], founder: User
) -> None:
    for question, value in ((escalation, "sk-old"), (ask("b"), "sk-new")):
        resolve(question.pk, decision="skip_feature", secrets={"STRIPE_KEY": value}, by=founder)
    assert ProjectSecret.objects.get().value == "sk-new"
    stored = ProjectSecret.objects.extra(select={"stored": "value"}).values_list("stored", flat=True).get()
    assert "sk-new" not in stored
    assert "sk-new" not in str(list(escalation.job.events.values()))


def test_an_answer_keeps_the_names_of_its_secrets_and_how_it_came(
    escalation: AgentEscalation, founder: User
) -> None:
    secrets = {"STRIPE_KEY": "sk-123456", "MAIL_KEY": "mk-123456"}
    resolve(escalation.pk, decision="skip_feature", secrets=secrets, by=founder)
    escalation.refresh_from_db()
    assert (escalation.secret_names, escalation.resolved_via) == (["MAIL_KEY", "STRIPE_KEY"], "founder")


@pytest.mark.parametrize(
    "secrets",
    [
        {"stripe": "xxxxxx"},
        {"A-B": "xxxxxx"},
        {"KEY\n": "xxxxxx"},
        {"PATH": "xxxxxx"},
        {"LD_PRELOAD": "xxxxxx"},
        {"KEY": ""},
        {"KEY": "short"},
        {"KEY": "a\nb\nc\nd"},
        {"KEY": "half of it \ud800"},
        {"KEY": "x" * 10_001},
        {"KEY": 500_000},
        ["KEY"],
        {f"K{number}": "xxxxxx" for number in range(21)},
    ],
)
def test_unusable_secrets_are_refused(escalation: AgentEscalation, founder: User, secrets: Any) -> None:
    with pytest.raises(BadSecret):
        resolve(escalation.pk, decision="skip_feature", secrets=secrets, by=founder)
    assert not ProjectSecret.objects.exists()


def test_access_that_is_chosen_needs_something_to_be_given(
    escalation: AgentEscalation, founder: User
) -> None:
    escalation.options = [{"value": "provide_credentials", "label": "Give me access", "description": ""}]
    escalation.save(update_fields=["options"])
    with pytest.raises(BadAnswer, match="Enter the key or password"):
        resolve(escalation.pk, decision="provide_credentials", by=founder)
    answered = resolve(escalation.pk, decision="provide_credentials", guidance="It is paid now.", by=founder)
    assert answered.founder_decision == "provide_credentials"


def test_words_that_repeat_a_secret_are_refused_without_repeating_it(
    escalation: AgentEscalation, founder: User
) -> None:
    with pytest.raises(BadSecret, match="repeat the value of KEY") as refused:
        resolve(
            escalation.pk,
            decision="skip_feature",
            guidance="It is sk-123456.",
            secrets={"KEY": "sk-123456"},
            by=founder,
        )
    assert "sk-123456" not in str(refused.value)
    assert not ProjectSecret.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_counts(escalation: AgentEscalation, founder: User) -> None:
    results = at_once(
        lambda: resolve(escalation.pk, decision="skip_feature", by=founder),
        lambda: resolve(escalation.pk, decision="simpler_version", by=founder),
    )
    assert sorted(type(result).__name__ for result in results) == ["AgentEscalation", "Conflict"]
    assert escalation.job.events.filter(type="agent.escalation_resolved").count() == 1
