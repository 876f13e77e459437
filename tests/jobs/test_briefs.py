from typing import Any

import pytest

from cofounder.models import User
from jobs import briefs
from jobs.briefs import BadBrief
from jobs.models import Project


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("In one text", {"summary": "In one text"}),
        ({"problem": "p", "colour": "blue"}, {"problem": "p", "colour": "blue"}),
        ({"must_have": ["a", "b"]}, {"must_have": ["a", "b"]}),
    ],
)
def test_a_brief_is_kept_as_it_was_written(given: str | dict[str, Any], kept: dict[str, Any]) -> None:
    assert briefs.clean_brief(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        [],
        {},
        {"must_have": "x"},
        {"must_have": [""]},
        {"must_have": [1]},
        {"must_have": ["a"] * 51},
        {"k\x00": "v"},
    ],
)
def test_an_unusable_brief_is_refused(given: Any) -> None:
    with pytest.raises(BadBrief):
        briefs.clean_brief(given)


def test_the_texts_of_a_brief_are_measured_together() -> None:
    with pytest.raises(BadBrief, match="60,0"):
        briefs.clean_brief({"a": "x" * 30_000, "b": ["y" * 30_000]})


def test_newlines_and_tabs_are_not_control_characters() -> None:
    assert briefs.clean_text("a\n\tb\r\n", "text", 100) == "a\n\tb"


@pytest.mark.parametrize(
    "given", ["x", {}, [{}], [{"question": ""}], [{"question": "q", "answer": 5}], ["q"]]
)
def test_an_unusable_interview_is_refused(given: str | dict[str, Any] | list[Any]) -> None:
    with pytest.raises(BadBrief):
        briefs.clean_interview(given)


def test_an_unanswered_question_may_stay_open() -> None:
    given = [{"question": "q", "answer": None}, {"question": "r"}]
    assert [item["answer"] for item in briefs.clean_interview(given)] == ["", ""]


def test_each_change_of_the_brief_is_a_version(project: Project) -> None:
    briefs.add_brief(project, {"summary": "second"})
    latest = briefs.latest_brief(project)
    assert latest is not None
    assert (latest.version, latest.current_content) == (2, {"summary": "second"})
    assert project.artifacts.count() == 2


def test_the_latest_interview_wins_and_leaves_unanswered_out(project: Project) -> None:
    briefs.add_interview(project, [{"question": "A?", "answer": " "}, {"question": "B?", "answer": "b"}])
    assert briefs.latest_interview(project) == [{"question": "B?", "answer": "b"}]


def test_a_project_with_a_bad_interview_is_not_half_made(founder: User) -> None:
    with pytest.raises(BadBrief):
        briefs.create_project(owner=founder, name="n", goal="g", idea_brief="b", interview="x")
    assert not Project.objects.exists()
