"""Describing an idea for a new project."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from agents.models import Subscription
from cofounder.models import User
from jobs import briefs
from jobs.models import Job, Project


def _words(**changes: Any) -> dict[str, Any]:
    words = {
        "form_id": str(uuid4()),
        "name": "Lost Gloves",
        "goal": "One kindergarten by winter",
        "problem": "Gloves wander.",
        "must_have": "- a page of found gloves\n\n a photo for each ",
        "out_of_scope": "payments",
        "question": ["Who will use it first?", "Anything else?"],
        "answer": ["Parents", ""],
    }
    return words | changes


def test_a_filled_form_becomes_a_project_that_is_being_built(browser: Client) -> None:
    answer = browser.post("/projects/new", _words())
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/builds/{job.pk}"
    brief = briefs.latest_brief(job.project)
    assert brief is not None
    assert brief.current_content["must_have"] == ["a page of found gloves", "a photo for each"]
    assert briefs.latest_interview(job.project) == [
        {"question": "Who will use it first?", "answer": "Parents"}
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "The project needs a name."),
        ({"goal": ""}, "The project needs a goal"),
        ({"must_have": " \n - \n"}, "Write at least one thing"),
        ({"problem": "a\x07b"}, "holds control characters"),
        ({"solution": "x" * 50_001}, "at most 50,000"),
        ({"problem": "x" * 40_000, "solution": "y" * 40_000}, "80,"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_typed_is_lost(
    browser: Client, changes: dict[str, str], sentence: str
) -> None:
    answer = browser.post("/projects/new", _words(success="Fewer cold hands", **changes))
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "Fewer cold hands" in answer.text
    assert "Anything else?" in answer.text
    assert not Project.objects.exists()


def test_the_same_form_sent_twice_makes_one_project(browser: Client) -> None:
    words = _words()
    first, second = browser.post("/projects/new", words), browser.post("/projects/new", words)
    assert first.headers["Location"] == second.headers["Location"]
    assert Project.objects.count() == 1


def test_a_refused_build_keeps_the_project(browser: Client, founder: User) -> None:
    Subscription.objects.filter(user=founder).update(suspended=True)
    page = browser.post("/projects/new", _words(), follow=True).text
    assert "is saved, but its build could not start" in page
    assert Project.objects.get().name == "Lost Gloves"


def test_the_example_could_be_built_as_it_is(browser: Client) -> None:
    page = browser.get("/projects/new?example")
    form = page.context["form"]
    words = {name: form.initial.get(name, "") for name in form.fields}
    assert browser.post("/projects/new", words).status_code == 302


def test_a_visitor_is_asked_to_sign_in(db: None, client: Client) -> None:
    assert client.get("/projects/new").status_code == 302
