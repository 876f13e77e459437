"""Builds in the admin: what is listed, which actions there are, and who may use them."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from agents.models import AgentMessage, AgentSession, SessionState
from cofounder.models import User
from jobs import clock, events
from jobs.models import EventType, Job, JobStatus, Project
from tests.conftest import give_second_factor

JOBS, SESSIONS = "/admin/jobs/job/", "/admin/agents/agentsession/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cockpit(admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def groups(db: None) -> None:
    """As the migration creates them; a test that empties the tables empties these too."""
    import_module("cofounder.migrations.0002_groups").make_groups(apps, None)


def member(name: str) -> Client:
    from cofounder.models import User

    user = User.objects.create_user(f"{name}@example.com", is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    give_second_factor(user)
    return client_of(user)


def act(client: Client, job: Job, action: str, **fields: Any) -> Any:
    given = {"action": action, "_selected_action": [str(job.pk)], **fields}
    return client.post(JOBS, given, follow=True)


def put(job: Job, state: SessionState, **fields: Any) -> None:
    AgentSession.objects.filter(pk=job.pk).update(state=state, **fields)


def session_of(job: Job) -> AgentSession:
    return AgentSession.objects.get(pk=job.pk)


def log_of(job: Job) -> list[Any]:
    entries = LogEntry.objects.filter(object_id=str(job.pk)).order_by("pk")
    return [entry.get_change_message() for entry in entries]


@pytest.mark.parametrize("address", [JOBS, SESSIONS])
def test_the_lists_show_state_phase_last_heard_spend_and_sandbox_time(
    cockpit: Client, build: Job, address: Any
) -> None:
    put(
        build,
        SessionState.WORKING,
        current_phase="The list",
        last_heard_at=clock.now() - timedelta(minutes=7),
        cost_microdollars=1_230_000,
        sandbox_seconds=3900,
    )
    page = cockpit.get(address).content.decode()
    for shown in ("Working", "The list", "7\xa0minutes ago", "$1.23", "1 h 05 min", "founder@example.com"):
        assert shown in page


@pytest.mark.parametrize(("address", "queries"), [(JOBS, 7), (SESSIONS, 8)])
def test_a_list_asks_the_same_number_of_queries_for_one_build_and_for_many(
    cockpit: Client,
    build: Job,
    project: Project,
    address: str,
    queries: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    from jobs.briefs import create_project

    for number in range(20):
        other = create_project(owner=project.owner, name=f"P{number}", goal="g", idea_brief="x", interview=[])
        job = Job.objects.create(project=other, build_number=1, created_at=clock.now())
        AgentSession.objects.create(job=job, user=project.owner, model="m", created_at=clock.now())
    with django_assert_max_num_queries(queries):
        assert cockpit.get(address).content.count(b"action-select") > 20


@pytest.mark.parametrize(
    "words", ["{job}", "{project}", "{owner}", "uniform", "FOUNDER@example", "{debug}"], ids=str
)
def test_a_job_is_found_by_what_somebody_may_know_of_it(cockpit: Client, build: Job, words: str) -> None:
    known: dict[str, Any] = {"job": build.pk, "project": build.project_id, "owner": build.project.owner_id}
    found = cockpit.get(JOBS, {"q": words.format(**known, debug=build.debug_id)}).content.decode()
    assert f"{JOBS}{build.pk}/change/" in found
    assert f"{JOBS}{build.pk}/change/" not in cockpit.get(JOBS, {"q": "nobody at all"}).content.decode()


@pytest.mark.parametrize("words", ["{job}", "{owner}", "swap", "founder@"], ids=str)
def test_a_session_is_found_too(cockpit: Client, build: Job, words: str) -> None:
    words = words.format(job=build.pk, owner=build.project.owner_id)
    assert str(build.pk) in cockpit.get(SESSIONS, {"q": words}).content.decode()


@pytest.mark.parametrize("address", [JOBS, SESSIONS])
def test_a_build_is_looked_at_and_not_changed(cockpit: Client, build: Job, address: Any) -> None:
    page = cockpit.get(f"{address}{build.pk}/change/").content.decode()
    assert "Uniform Swap" in page
    assert 'name="_save"' not in page
    assert cockpit.post(f"{address}{build.pk}/change/", {"status": "ready"}).status_code == 403
    assert cockpit.post(f"{address}{build.pk}/delete/", {"post": "yes"}).status_code == 403


ACTS = [
    ("wake", SessionState.SLEEPING, SessionState.SLEEPING, "Woken."),
    ("pause", SessionState.QUEUED, SessionState.PAUSED, "Paused."),
    ("resume", SessionState.PAUSED, SessionState.QUEUED, "Resumed."),
    ("put_to_sleep", SessionState.QUEUED, SessionState.SLEEPING, "Put to sleep."),
]


@pytest.mark.parametrize(("action", "before", "after", "said"), ACTS, ids=lambda value: str(value))
def test_each_action_does_what_the_api_does_and_is_logged(
    cockpit: Client, build: Job, action: str, before: SessionState, after: SessionState, said: str
) -> None:
    put(build, before)
    act(cockpit, build, action)
    assert (session_of(build).state, log_of(build)) == (after, [said])


def test_what_a_state_does_not_allow_is_said_and_not_logged(cockpit: Client, build: Job) -> None:
    page = act(cockpit, build, "wake").content.decode()
    assert "Uniform Swap: Only a sleeping agent can be woken; this one is queued." in page
    assert log_of(build) == []


def test_stopping_is_asked_for_twice(cockpit: Client, build: Job) -> None:
    assert "Stop these builds?" in act(cockpit, build, "stop").content.decode()
    assert session_of(build).state == SessionState.QUEUED
    act(cockpit, build, "stop", confirmed="yes")
    build.refresh_from_db()
    assert (build.status, log_of(build)) == (JobStatus.CANCELLED, ["Stopped."])
    assert build.status_message == "Stopped by the operator of this installation."


def test_a_failed_build_is_built_again(cockpit: Client, build: Job) -> None:
    Job.objects.filter(pk=build.pk).update(status=JobStatus.FAILED)
    act(cockpit, build, "retry")
    assert Job.objects.get(build_number=2).status == JobStatus.QUEUED
    assert log_of(build) == ["Started again."]


def test_support_sees_and_may_not_act(groups: None, build: Job) -> None:
    support = member("support")
    assert "Uniform Swap" in support.get(JOBS).content.decode()
    assert "put_to_sleep" not in support.get(f"{JOBS}{build.pk}/change/").content.decode()
    act(support, build, "pause")
    assert (session_of(build).state, log_of(build)) == (SessionState.QUEUED, [])


def test_operators_act(groups: None, build: Job) -> None:
    operator = member("operator")
    assert "put_to_sleep" in operator.get(f"{JOBS}{build.pk}/change/").content.decode()
    act(operator, build, "pause")
    assert session_of(build).state == SessionState.PAUSED


def test_neither_group_sees_secrets_or_users_passwords_or_may_change_users(groups: None) -> None:
    for name in ("support", "operator"):
        held = set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))
        assert not held & {"view_projectsecret", "change_user", "add_user", "delete_user", "change_group"}


def test_a_founder_is_sent_to_the_login(api: APIClient, build: Job, founder: User) -> None:
    assert client_of(founder).get(JOBS).status_code == 302


TURN = [
    {"type": "thinking", "thinking": "Which sizes?", "signature": "x"},
    {"type": "text", "text": "I read <b>the brief</b>."},
    {"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "ls -la"}},
]
RESULT = [
    {
        "type": "tool_result",
        "tool_use_id": "t1",
        "is_error": True,
        "content": [{"type": "text", "text": "long " * 400}, {"type": "image", "source": {}}],
    }
]


def test_the_transcript_reads_like_a_conversation(cockpit: Client, build: Job) -> None:
    rows = [
        ("assistant", TURN),
        ("user", RESULT),
        ("assistant", [{"type": "compaction", "content": "So far"}]),
    ]
    AgentMessage.objects.bulk_create(
        AgentMessage(session_id=build.pk, position=place, role=role, content=content, created_at=clock.now())
        for place, (role, content) in enumerate(rows, start=1)
    )
    page = cockpit.get(f"{SESSIONS}{build.pk}/transcript/").content.decode()
    for shown in (
        "calls bash",
        "ls -la",
        "Which sizes?",
        "&lt;b&gt;the brief",
        "<details>",
        "[image]",
        "So far",
    ):
        assert shown in page


def test_the_log_is_read_newest_first_a_page_at_a_time(cockpit: Client, build: Job) -> None:
    events.record_all(build.pk, [(EventType.AGENT_NARRATION, {"text": f"Step {n}."}) for n in range(60)])
    first = cockpit.get(f"{JOBS}{build.pk}/log/").content.decode()
    assert "Step 59." in first
    assert "Step 3." not in first
    assert "Step 3." in cockpit.get(f"{JOBS}{build.pk}/log/?page=2").content.decode()
    assert cockpit.get(f"{JOBS}{build.pk}/log/?page=nonsense").status_code == 200


def test_an_unknown_build_has_no_log_and_no_transcript(cockpit: Client, project: Project) -> None:
    assert cockpit.get(f"{JOBS}{project.pk}/log/").status_code == 404
    assert cockpit.get(f"{SESSIONS}{project.pk}/transcript/").status_code == 404
