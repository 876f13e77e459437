"""The list of projects."""

from uuid import uuid4

from django.test import Client

from agents.models import AgentSession, Subscription
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import briefs
from jobs.models import Job, Project


def test_a_visitor_is_asked_to_sign_in(db: None, client: Client) -> None:
    assert client.get("/projects").headers["Location"].startswith("/accounts/login/")


def test_an_empty_list_invites_to_begin(browser: Client) -> None:
    assert "An empty page is a good place to start" in browser.get("/projects").text


def test_a_project_shows_its_state_and_spend(browser: Client, working_job: Job) -> None:
    AgentSession.objects.filter(pk=working_job.pk).update(cost_microdollars=1_234_567)
    page = browser.get("/projects").text
    assert "Uniform Swap" in page
    assert "$1.23" in page
    assert "Working" in page


def test_what_needs_the_founder_comes_first(
    browser: Client, founder: User, question: AgentEscalation
) -> None:
    briefs.create_project(owner=founder, name="A newer one", goal="g", idea_brief="b")
    page = browser.get("/projects").text
    assert "1 question for you" in page
    assert page.index("Uniform Swap") < page.index("A newer one")


def test_another_founders_projects_are_not_listed(other_browser: Client, project: Project) -> None:
    assert "Uniform Swap" not in other_browser.get("/projects").text


def test_the_list_only_reads(browser: Client) -> None:
    assert browser.post("/projects").status_code == 405


def test_a_build_is_started_from_the_list(browser: Client, project: Project) -> None:
    answer = browser.post(f"/projects/{project.pk}/start")
    assert answer.headers["Location"] == f"/builds/{Job.objects.get().pk}"


def test_a_refused_start_says_why(browser: Client, project: Project, founder: User) -> None:
    Subscription.objects.filter(user=founder).update(suspended=True)
    page = browser.post(f"/projects/{project.pk}/start", follow=True).text
    assert "This subscription is suspended" in page
    assert not Job.objects.exists()


def test_nobody_starts_a_build_of_anothers_project(other_browser: Client, project: Project) -> None:
    assert other_browser.post(f"/projects/{project.pk}/start").status_code == 404
    assert not Job.objects.exists()


def test_opening_the_address_of_a_start_starts_nothing(browser: Client, project: Project) -> None:
    assert browser.get(f"/projects/{project.pk}/start").status_code == 405


def test_a_missing_project_cannot_be_started(browser: Client) -> None:
    assert browser.post(f"/projects/{uuid4()}/start").status_code == 404
