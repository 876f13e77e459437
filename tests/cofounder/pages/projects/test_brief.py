"""The brief's page: its lines, its cost, and what another version of it promises."""

from typing import Any

import pytest
from django.test import Client

from agents.actions.start import start_build
from agents.models import Subscription
from cofounder.models import User
from jobs import briefs, promises
from jobs.models import FounderMessage, Job, Project, UnderstandingSession

HTMX = {"HX-Request": "true"}


def page(project: Project) -> str:
    return f"/projects/{project.pk}/brief"


def read(browser: Client, project: Project, query: str = "") -> str:
    return " ".join(browser.get(page(project) + query).text.split())


def edit(browser: Client, project: Project, action: str, part: str = "promise", **given: Any) -> Any:
    return browser.post(f"{page(project)}/edit", {"action": action, "part": part, **given}, headers=HTMX)


def build_it(browser: Client, project: Project, **given: Any) -> Any:
    return browser.post(f"{page(project)}/build", given)


def told(project: Project) -> list[tuple[str, str]]:
    latest = briefs.latest_brief(project)
    assert latest is not None
    return [(promise.key, promise.text) for promise in promises.of_version(project.pk, latest.version)]


def content(project: Project) -> dict[str, Any]:
    latest = briefs.latest_brief(project)
    assert latest is not None
    return dict(latest.current_content)


@pytest.fixture
def ready(project: Project) -> Job:
    job, _ = start_build(project)
    Job.objects.filter(pk=job.pk).update(status="ready")
    return Job.objects.get(pk=job.pk)


def test_the_page_shows_the_promises_and_about_what_they_cost(browser: Client, project: Project) -> None:
    shown = read(browser, project)
    assert "a list of uniforms by size" in shown
    assert "$3.00" in shown
    assert "between <bdi>$1.50</bdi> and <bdi>$6.00</bdi>" in shown
    assert "2 to 3 days" in shown


def test_it_is_the_founders_alone(other_browser: Client, project: Project) -> None:
    assert other_browser.get(page(project)).status_code == 404
    assert edit(other_browser, project, "remove", line="P1").status_code == 404
    assert build_it(other_browser, project).status_code == 404
    assert Client().get(page(project)).status_code == 302


@pytest.mark.parametrize("path", ["edit", "build"])
def test_reading_changes_nothing(browser: Client, project: Project, path: str) -> None:
    assert browser.get(f"{page(project)}/{path}").status_code == 405


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        (
            "add",
            {"text": "a map"},
            [("P1", "a list of uniforms by size"), ("P2", "a form to offer one"), ("P3", "a map")],
        ),
        ("save", {"line": "P2", "text": "a form"}, [("P1", "a list of uniforms by size"), ("P2", "a form")]),
        ("up", {"line": "P2"}, [("P2", "a form to offer one"), ("P1", "a list of uniforms by size")]),
        ("down", {"line": "P1"}, [("P2", "a form to offer one"), ("P1", "a list of uniforms by size")]),
        ("remove", {"line": "P1"}, [("P2", "a form to offer one")]),
        ("wait", {"line": ["P2"]}, [("P1", "a list of uniforms by size")]),
    ],
)
def test_a_promise_is_edited_in_place(
    browser: Client, project: Project, action: str, given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    answer = edit(browser, project, action, **given)
    assert answer.status_code == 200
    assert 'id="brief"' in answer.text
    assert told(project) == expected


def test_without_scripts_an_edit_leads_back_to_its_part(browser: Client, project: Project) -> None:
    answer = browser.post(f"{page(project)}/edit", {"action": "add", "part": "needs", "text": "A logo"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{page(project)}#needs")
    assert content(project)["needs"] == ["A logo"]


def test_what_waits_is_promised_again_with_its_key(browser: Client, project: Project) -> None:
    edit(browser, project, "wait", line=["P1"])
    assert content(project)["out_of_scope"] == ["a list of uniforms by size"]
    edit(browser, project, "promise", "out_of_scope", line="a list of uniforms by size")
    assert told(project) == [("P2", "a form to offer one"), ("P1", "a list of uniforms by size")]
    assert "out_of_scope" not in content(project)


def test_the_proposal_of_a_smaller_version_says_what_waits_and_what_is_left_to_pay(
    browser: Client, project: Project
) -> None:
    assert "These could wait" not in browser.get(page(project)).text
    shown = read(browser, project, "?smaller")
    assert "These could wait" in shown
    assert 'value="P2" checked' in shown
    assert 'it is about <bdi class="figures">$1.50</bdi>' in shown


def test_an_earlier_version_comes_back_with_its_keys_as_a_new_one(browser: Client, project: Project) -> None:
    edit(browser, project, "remove", line="P1")
    edit(browser, project, "back", line="1")
    assert told(project) == [("P1", "a list of uniforms by size"), ("P2", "a form to offer one")]
    assert briefs.latest_brief(project).version == 3  # type: ignore[union-attr]
    assert "Version 2" in browser.get(page(project)).text


@pytest.mark.parametrize(
    ("action", "part", "given", "status", "sentence"),
    [
        ("add", "promise", {"text": " "}, 400, "is empty"),
        ("add", "promise", {"text": "A FORM to offer one"}, 400, "promised already"),
        ("add", "promise", {"text": "<b>" + "a" * 1000}, 400, "at most 1,000"),
        ("save", "promise", {"line": "P1", "text": "mine", "was": "theirs"}, 409, "changed in the meantime"),
        ("save", "promise", {"line": "P7", "text": "mine"}, 409, "not there any more"),
        ("save", "needs", {"line": "a key", "text": "mine"}, 409, "not there any more"),
        ("save", "assumption", {"line": "a1", "text": "mine"}, 409, "not there any more"),
        ("wait", "promise", {"line": ["P1", "P2"]}, 400, "One promise has to stay"),
        ("back", "promise", {"line": "99"}, 409, "no such version"),
        ("back", "promise", {"line": "9" * 30}, 409, "no such version"),
        ("burn", "promise", {"line": "P1"}, 400, "nothing that can be done"),
        ("add", "tone", {"text": "warm"}, 400, "nothing that can be done"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_what_was_typed(
    browser: Client,
    project: Project,
    action: str,
    part: str,
    given: dict[str, Any],
    status: int,
    sentence: str,
) -> None:
    answer = edit(browser, project, action, part, **given)
    assert (answer.status_code, sentence in answer.text) == (status, True)
    assert briefs.latest_brief(project).version == 1  # type: ignore[union-attr]
    if given.get("text") == "mine" and part != "assumption":
        assert "mine</textarea>" in answer.text
    plain = browser.post(f"{page(project)}/edit", {"action": action, "part": part, **given})
    assert (plain.status_code, sentence in plain.text) == (status, True)


def test_an_assumption_is_called_right_or_said_in_other_words(browser: Client, project: Project) -> None:
    interview = project.interviews.get()
    interview.assumptions = [
        {"id": "a1", "text": "Everybody may see it", "state": "assumed"},
        {"id": "a2", "text": "No accounts", "state": "assumed"},
    ]
    interview.save(update_fields=["assumptions"])
    assert "Everybody may see it" in browser.get(page(project)).text

    edit(browser, project, "right", "assumption", line="a1")
    edit(browser, project, "save", "assumption", line="a2", text="Accounts by mail")

    assert UnderstandingSession.objects.get().assumptions == [
        {"id": "a1", "text": "Everybody may see it", "state": "right"},
        {"id": "a2", "text": "Accounts by mail", "state": "changed"},
    ]


def test_build_this_starts_the_build_with_the_newest_version(browser: Client, project: Project) -> None:
    edit(browser, project, "add", text="a map")
    answer = build_it(browser, project)
    job = project.jobs.get()
    assert answer.headers["Location"] == f"/builds/{job.pk}"
    assert [promise.key for promise in promises.of_job(job)] == ["P1", "P2", "P3"]


def test_without_money_nothing_begins_and_nothing_is_lost(browser: Client, ready: Job) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    answer = build_it(browser, ready.project, text="Sort it.")
    assert (answer.status_code, "no money left" in answer.text) == (402, True)
    assert "Sort it.</textarea>" in answer.text
    assert Job.objects.count() == 1


def test_a_running_build_is_told_and_the_page_says_so(browser: Client, build: Job) -> None:
    assert "It is being built" in browser.get(page(build.project)).text
    edit(browser, build.project, "add", text="a map")
    assert FounderMessage.objects.get(job=build).text == "I have changed the brief.\nNew promise P3: a map"
    assert build_it(browser, build.project).status_code == 409


def test_a_changed_assumption_is_told_to_a_running_build(browser: Client, build: Job) -> None:
    interview = build.project.interviews.get()
    interview.assumptions = [{"id": "a1", "text": "No accounts", "state": "assumed"}]
    interview.save(update_fields=["assumptions"])
    edit(browser, build.project, "right", "assumption", line="a1")
    assert not FounderMessage.objects.exists()
    edit(browser, build.project, "save", "assumption", line="a1", text="Accounts")
    assert FounderMessage.objects.get().text == "You took for granted: No accounts\nInstead: Accounts"


def test_a_change_shows_what_is_new_changed_gone_and_stays(browser: Client, ready: Job) -> None:
    project = ready.project
    edit(browser, project, "add", text="a map")
    edit(browser, project, "save", line="P1", text="a list by colour")
    edit(browser, project, "remove", line="P2")

    shown = browser.get(page(project)).text

    assert "It was: a list of uniforms by size" in shown
    assert "<s>a form to offer one</s>" in shown
    assert "No longer promised" in shown
    assert "About what the change costs" in shown
    edit(browser, project, "again", text="a form to offer one")
    assert ("P2", "a form to offer one") in told(project)


def test_the_build_of_a_change_has_its_words_its_promises_and_is_told_both(
    browser: Client, ready: Job
) -> None:
    project = ready.project
    edit(browser, project, "add", text="a map")
    build_it(browser, project, text="Show where they are.")
    new = Job.objects.get(build_number=2)
    assert new.goal == "Show where they are."
    assert FounderMessage.objects.get(job=new).text == (
        "Show where they are.\n\nI have changed the brief.\nNew promise P3: a map"
    )
    assert len(promises.of_job(new)) == 3
    assert Project.objects.get().next_change == ""


def test_a_change_that_no_promise_speaks_of_is_allowed_and_said_to_be_unchecked(
    browser: Client, ready: Job
) -> None:
    edit(browser, ready.project, "change", text="Make it blue")
    assert "nothing will check this change" in read(browser, ready.project)
    assert build_it(browser, ready.project, text="Make it blue").status_code == 302


def test_no_change_at_all_is_not_built(browser: Client, ready: Job) -> None:
    answer = build_it(browser, ready.project, text=" ")
    assert (answer.status_code, "Write what should be different" in answer.text) == (400, True)


def test_money_and_days_are_written_as_the_language_of_the_brief_does(browser: Client, founder: User) -> None:
    brief = {"must_have": ["يرى الجميع القائمة"], "language": "ar"}
    project = briefs.create_project(owner=founder, name="مكتبة", goal="G", idea_brief=brief)
    edit(browser, project, "add", text="خريطة")
    shown = browser.get(page(project)).text
    assert "US$" in shown
    assert '<p dir="auto">يرى الجميع القائمة</p>' in shown
    assert "نوفمبر" in shown or "<bdi>" in shown


@pytest.mark.parametrize("content", [{"problem": "x"}, {"out_of_scope": "payments", "must_have": []}])
def test_a_brief_without_promises_asks_for_the_first(
    browser: Client, founder: User, content: dict[str, Any]
) -> None:
    project = briefs.create_project(owner=founder, name="N", goal="G", idea_brief=content)
    assert "No promise yet" in browser.get(page(project)).text
    assert edit(browser, project, "add", text="a map").status_code == 200
    assert told(project) == [("P1", "a map")]
