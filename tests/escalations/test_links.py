from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from pytest_django import DjangoAssertNumQueries

from cofounder.models import User
from escalations import answers, links
from escalations.models import AgentEscalation, AnswerLink
from jobs import clock
from jobs.errors import Conflict
from tests.races import at_once


@pytest.fixture
def token(escalation: AgentEscalation) -> Any:
    return links.make(escalation)[0]


def test_a_link_answers_in_the_name_of_the_founder(
    escalation: AgentEscalation, token: Any, founder: User
) -> None:
    links.answer(token, decision="skip_feature", guidance="Later.")
    escalation.refresh_from_db()
    assert (escalation.founder_decision, escalation.founder_guidance) == ("skip_feature", "Later.")
    assert (escalation.resolved_by, escalation.resolved_via) == (founder, "link")
    assert AnswerLink.objects.get().used_at == escalation.resolved_at


def test_only_the_hash_of_a_token_is_kept(token: Any) -> None:
    link = AnswerLink.objects.values().get()
    assert token not in str(link)
    assert token.split(".")[0] not in str(link)
    assert len(link["token_hash"]) == 64


def test_looking_uses_nothing_up(token: Any) -> None:
    for _ in range(3):
        assert not links.has_expired(links.find(token))
    links.answer(token, decision="skip_feature")


def test_a_link_answers_once(escalation: AgentEscalation, token: Any) -> None:
    links.answer(token, decision="skip_feature")
    with pytest.raises(Conflict, match="answered already"):
        links.answer(token, decision="simpler_version")
    escalation.refresh_from_db()
    assert escalation.founder_decision == "skip_feature"


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_counts(escalation: AgentEscalation) -> None:
    tokens = [links.make(escalation)[0] for _ in range(2)]
    choices = ("skip_feature", "simpler_version")
    ways = zip(tokens, choices, strict=True)
    results = at_once(*[lambda way=way: links.answer(way[0], decision=way[1]) for way in ways])
    assert {type(result) for result in results} == {AgentEscalation, Conflict}
    assert AnswerLink.objects.exclude(used_at=None).count() == 1


def test_an_answer_by_other_means_ends_the_link(
    escalation: AgentEscalation, token: Any, founder: User
) -> None:
    answers.resolve(escalation.pk, decision="skip_feature", by=founder)
    with pytest.raises(Conflict):
        links.answer(token, decision="simpler_version")
    assert AnswerLink.objects.get().used_at is None


def test_a_link_is_good_for_a_week(escalation: AgentEscalation, token: Any) -> None:
    link = AnswerLink.objects.get()
    assert link.expires_at - link.created_at == timedelta(days=7)
    clock.move(link.expires_at)
    with pytest.raises(links.LinkExpired):
        links.answer(token, decision="skip_feature")
    escalation.refresh_from_db()
    assert escalation.status == "pending"


def test_a_link_ends_when_the_founder_has_another_address(token: Any, founder: User) -> None:
    founder.email = "new@example.com"
    founder.save(update_fields=["email"])
    with pytest.raises(links.LinkExpired):
        links.answer(token, decision="skip_feature")


def test_a_link_of_a_closed_account_does_not_work(token: Any, founder: User) -> None:
    founder.is_active = False
    founder.save(update_fields=["is_active"])
    with pytest.raises(links.LinkDamaged):
        links.find(token)


def test_a_forged_link_costs_no_query(token: Any, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    forged = [
        *("", ".", "x", "a.b", token[:-1], token[1:], token + "x", token.swapcase(), "é\0"),
        Signer(sep=".", salt="another").sign("x"),
    ]
    with django_assert_num_queries(0):
        for attempt in forged:
            with pytest.raises(links.LinkDamaged):
                links.find(attempt)


def test_a_signed_token_that_was_never_made_is_damaged(db: None) -> None:
    with pytest.raises(links.LinkDamaged):
        links.find(links._signer.sign("never-made"))


def test_a_link_answers_no_other_question(ask: Callable[..., AgentEscalation], token: Any) -> None:
    other = ask("b")
    links.answer(token, decision="skip_feature")
    other.refresh_from_db()
    assert other.status == "pending"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"decision": "nonsense"}, "not one of the choices"),
        ({"decision": ""}, "not one of the choices"),
        ({"decision": "provide_guidance"}, "in your own words"),
        ({"decision": "provide_guidance", "guidance": "x" * 10_001}, "at most 10,000"),
        ({"decision": "provide_credentials", "guidance": "the key is 1234"}, "not taken through a link"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_answer_that_cannot_be_used_uses_nothing_up(
    escalation: AgentEscalation, token: Any, words: dict[str, str], sentence: str
) -> None:
    escalation.options = [
        *escalation.options,
        {"value": "provide_credentials", "label": "", "description": ""},
    ]
    escalation.save(update_fields=["options"])
    with pytest.raises(Exception, match=sentence):
        links.answer(token, **words)
    links.answer(token, decision="skip_feature")


def test_a_new_link_may_be_asked_for_once_in_ten_minutes(token: Any) -> None:
    link = links.find(token)
    assert [links.claim_renewal(link) for _ in range(2)] == [True, False]
    clock.move(clock.now() + links.RENEWAL_PAUSE)
    assert links.claim_renewal(link)
