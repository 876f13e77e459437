"""Admins read and answer questions."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from tests.conftest import give_second_factor

LIST = "/admin/escalations/agentescalation/"


def page_of(escalation: AgentEscalation) -> str:
    return f"{LIST}{escalation.pk}/change/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk(admin: User) -> Client:
    return signed_in(admin)


def test_a_question_is_shown_with_its_options_and_what_was_tried(
    desk: Client, escalation: AgentEscalation
) -> None:
    page = desk.get(page_of(escalation)).text
    for words in ("The list does not load.", "Read it in one go", "Make it simpler: A plainer one."):
        assert words in page
    assert "founder@example.com" in page


def test_an_admin_answers_and_is_recorded(desk: Client, admin: User, escalation: AgentEscalation) -> None:
    answer = desk.post(page_of(escalation), {"decision": "skip_feature", "guidance": "She called us."})
    escalation.refresh_from_db()
    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
    assert (escalation.founder_decision, escalation.founder_guidance) == ("skip_feature", "She called us.")
    assert (escalation.resolved_by, escalation.resolved_via) == (admin, "admin")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (admin, str(escalation.pk))
    assert entry.get_change_message() == "Answered with skip_feature: She called us."
    assert escalation.job.events.filter(type="agent.escalation_resolved").count() == 1


def test_an_answered_question_is_only_looked_at(
    desk: Client, escalation: AgentEscalation, founder: User
) -> None:
    resolve(escalation.pk, decision="skip_feature", guidance="Later.", by=founder)
    page = desk.get(page_of(escalation)).text
    assert ("Leave it out" in page, "Later." in page, 'name="decision"' in page) == (True, True, False)
    assert desk.post(page_of(escalation), {"decision": "simpler_version"}).status_code == 403
    escalation.refresh_from_db()
    assert escalation.founder_decision == "skip_feature"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "This field is required."),
        ({"decision": "burn_it"}, "Select a valid choice"),
        ({"decision": "provide_guidance"}, "Say in your own words"),
        ({"decision": "skip_feature", "guidance": "a" * 10_001}, "at most 10,000"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_and_kept_in_the_form(
    desk: Client, escalation: AgentEscalation, form: dict[str, Any], sentence: str
) -> None:
    page = desk.post(page_of(escalation), form)
    assert (page.status_code, sentence in page.text) == (200, True)
    assert form.get("guidance", "") in page.text
    escalation.refresh_from_db()
    assert (escalation.status, LogEntry.objects.count()) == ("pending", 0)


def test_credentials_are_not_an_admin_s_to_give(desk: Client, escalation: AgentEscalation) -> None:
    escalation.options = [{"value": "provide_credentials", "label": "Give me access", "description": ""}]
    escalation.save(update_fields=["options"])
    assert 'value="provide_credentials"' not in desk.get(page_of(escalation)).text
    desk.post(page_of(escalation), {"decision": "provide_credentials", "guidance": "x"})
    escalation.refresh_from_db()
    assert escalation.status == "pending"


def test_questions_are_found_by_founder_project_and_id(
    desk: Client, ask: Callable[..., AgentEscalation]
) -> None:
    escalation = ask()
    for words in ("FOUNDER@example.com", "uniform", str(escalation.pk), str(escalation.job_id)):
        assert "The list does not load." in desk.get(LIST, {"q": words}).text
    assert "The list does not load." not in desk.get(LIST, {"q": "nobody@example.com"}).text


def test_who_may_only_look_cannot_answer(escalation: AgentEscalation, tiers: None) -> None:
    clerk = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    give_second_factor(clerk)
    clerk.user_permissions.add(Permission.objects.get(codename="view_agentescalation"))
    client = signed_in(clerk)
    assert 'name="decision"' not in client.get(page_of(escalation)).text
    assert client.post(page_of(escalation), {"decision": "skip_feature"}).status_code == 403


def test_a_question_is_neither_added_nor_deleted(desk: Client, escalation: AgentEscalation) -> None:
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{LIST}{escalation.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_founder_is_no_admin(founder: User, escalation: AgentEscalation) -> None:
    assert signed_in(founder).get(page_of(escalation)).status_code == 302
