"""The figures on the admin's first page."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from agents.actions.start import start_build
from agents.models import AgentSession, SessionState
from cofounder.admin.figures import figures
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import Job


@pytest.fixture
def cockpit(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def other_job(other_founder: User) -> Job:
    wanted: dict[str, Any] = {
        "name": "Else",
        "goal": "x",
        "idea_brief": {"must_have": ["x"]},
        "interview": [],
    }
    return start_build(create_project(owner=other_founder, **wanted))[0]


@pytest.fixture
def waiting(job: Job) -> Job:
    AgentSession.objects.filter(pk=job.pk).update(
        state=SessionState.SLEEPING, trouble="sandbox_key", trouble_since=clock.now(), trouble_detail="401"
    )
    return job


def test_builds_that_wait_for_the_operator_are_counted_with_what_for_and_since_when(
    cockpit: Client, waiting: Job
) -> None:
    page = cockpit.get("/admin/").content.decode()
    assert "Builds that wait for you" in page
    assert "Set E2B_API_KEY to a valid one." in page
    assert f"{clock.now():%-d %b}" in page


def test_the_figure_leads_to_those_builds_and_no_others(
    cockpit: Client, waiting: Job, other_job: Job
) -> None:
    page = cockpit.get("/admin/").content.decode()
    (address,) = re.findall(r'href="(/admin/agents/agentsession/\?[^"]*)"', page)
    listed = cockpit.get(address.replace("&amp;", "&")).context["cl"].queryset
    assert [session.pk for session in listed] == [waiting.pk]


def test_without_trouble_the_figure_is_zero_and_no_alarm(cockpit: Client, job: Job, admin: User) -> None:
    (figure,) = figures(admin)
    assert (figure.value, figure.is_alarm) == ("0", False)
    assert figure.said in cockpit.get("/admin/").content.decode()


def test_who_may_not_see_sessions_sees_no_figure(founder: User, waiting: Job) -> None:
    assert figures(founder) == []
    founder.user_permissions.add(Permission.objects.get(codename="view_agentsession"))
    (figure,) = figures(User.objects.get(pk=founder.pk))
    assert figure.is_alarm
