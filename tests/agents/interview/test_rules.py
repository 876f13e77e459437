"""The rules of the interview: what is asked, in which order, how often, and what an answer changes."""

from dataclasses import replace

import pytest

from agents.interview import rules
from agents.interview.rules import Unfit
from agents.interview.topics import FIXED, IMPACT, Topic
from agents.interview.values import (
    Asked,
    Assumption,
    Draft,
    How,
    Option,
    Promise,
    Question,
    QuestionState,
    Step,
    Talk,
    detail_of,
    draft_as_json,
    draft_of,
)
from agents.interview.values import asked_of as from_row

OPTIONS = (Option("Yes", "It is usual."), Option("No"))
ALL_OPEN = dict.fromkeys(Topic, 3)


def question(topic: Topic, text: str = "", **fields: object) -> Question:
    base = Question(topic, text or f"About {topic}?", "It decides something.", OPTIONS)
    return replace(base, **fields)  # type: ignore[arg-type]  # as the test says


def talk_with(*topics: Topic, text: str = "A list of plants") -> Talk:
    asked = tuple(
        Asked(f"q{n}", question(topic), QuestionState.ANSWERED, How.OPTION, "Yes")
        for n, topic in enumerate(topics, start=1)
    )
    return Talk(text, asked)


def step(asked: Question | None, **uncertainty: int) -> Step:
    levels = {**dict.fromkeys(Topic, 0), **{Topic(name): level for name, level in uncertainty.items()}}
    return Step("en", Draft(), levels, question=asked)


def test_the_map_has_nine_topics_each_with_an_impact_and_a_question_of_its_own() -> None:
    assert len(Topic) == len(IMPACT) == len(FIXED) == 9
    assert all(2 <= len(fixed.options) <= 4 and fixed.options[0][1] for fixed in FIXED.values())


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("A list of plants", 5),
        ("bakery app", 5),
        ("Customers pay a deposit", 7),
        ("A diary for my patients", 7),
        ("A page for the parents of our school", 7),
        ("Forældre skriver deres børn op", 7),
        ("صفحة يحجز فيها المرضى موعدًا", 7),
        ("子どもの習い事の予定", 7),
        ("The skid mark collection", 5),  # "kid" is only a part of a word here
    ],
)
def test_seven_questions_where_money_health_or_children_are_involved(text: str, most: int) -> None:
    assert rules.most_questions(Talk(text)) == most


def test_the_model_may_say_so_too() -> None:
    assert rules.most_questions(Talk("Une liste", sensitive=("health",))) == 7


def test_no_more_than_the_limit_is_asked() -> None:
    assert rules.may_ask(talk_with(*list(Topic)[:4]))
    assert not rules.may_ask(talk_with(*list(Topic)[:5]))


def test_the_highest_impact_times_uncertainty_comes_first() -> None:
    assert rules.most_worth(Talk("x"), {Topic.JOB: 1, Topic.SUCCESS: 3, Topic.WHO: 2}) == [
        Topic.WHO,
        Topic.JOB,
        Topic.SUCCESS,
    ]
    rules.check(step(question(Topic.WHO), who=2, job=1), Talk("x"))
    with pytest.raises(Unfit, match="who first"):
        rules.check(step(question(Topic.JOB), who=2, job=1), Talk("x"))


def test_what_is_answered_or_certain_is_not_asked() -> None:
    with pytest.raises(Unfit, match="answered already"):
        rules.check(step(question(Topic.JOB, "Another?"), job=3), talk_with(Topic.JOB))
    with pytest.raises(Unfit, match="certain"):
        rules.check(step(question(Topic.JOB)), Talk("x"))


@pytest.mark.parametrize("text", ["Which database do you prefer?", "Should the API be public?"])
def test_technology_is_never_asked_about(text: str) -> None:
    with pytest.raises(Unfit, match="technology"):
        rules.check(step(question(Topic.JOB, text), job=3), Talk("x"))


def test_a_contradiction_may_be_asked_about_once() -> None:
    talk = talk_with(Topic.ACCESS, Topic.KEPT)
    asked = question(Topic.ACCESS, "Which one counts?", contradicts="q1")
    rules.check(step(asked), talk)

    settled = Asked("q3", asked, QuestionState.ANSWERED, How.OPTION, "Yes")
    again = replace(asked, text="And now?")
    with pytest.raises(Unfit, match="already"):
        rules.check(step(again), replace(talk, asked=(*talk.asked, settled)))
    with pytest.raises(Unfit, match="no answered question"):
        rules.check(step(question(Topic.ACCESS, contradicts="q9")), talk)


def test_a_changed_answer_withdraws_only_what_hangs_on_it() -> None:
    talk = talk_with(Topic.WHO, Topic.ACCESS, Topic.KEPT, Topic.NEVER)
    hanging = replace(talk.asked[1], question=replace(talk.asked[1].question, hangs_on=("q1",)))
    further = replace(talk.asked[2], question=replace(talk.asked[2].question, hangs_on=("q2",)))
    talk = talk.with_asked(hanging).with_asked(further)

    changed = rules.answered(talk, "q1", How.OWN, "Somebody else")

    assert [asked.state for asked in changed.asked] == ["answered", "withdrawn", "withdrawn", "answered"]
    assert changed.asked[0].answer == "Somebody else"
    assert rules.closed_topics(changed) == {Topic.WHO, Topic.NEVER}
    assert rules.counted(changed) == 2


def test_you_decide_takes_the_recommended_answer_as_an_assumption() -> None:
    talk = rules.answered(Talk("x", (Asked("q1", question(Topic.KEPT)),)), "q1", How.DECIDE, "")

    assert talk.asked[0].answer == "Yes"
    assert rules.with_decided(Draft(), talk).assumptions == (Assumption(Topic.KEPT, "About kept? Yes"),)
    noted = Draft(assumptions=(Assumption(Topic.KEPT, "Kept for a year"),))
    assert rules.with_decided(noted, talk) == noted


def test_a_skipped_question_has_no_answer_and_is_not_asked_again() -> None:
    talk = rules.answered(Talk("x", (Asked("q1", question(Topic.KEPT)),)), "q1", How.SKIP, "")

    assert talk.asked[0].answer == ""
    assert Topic.KEPT in rules.closed_topics(talk)


def test_the_maps_own_question_is_about_what_is_most_worth() -> None:
    asked = rules.fixed_question(talk_with(Topic.JOB), {})

    assert asked is not None
    assert asked.is_fixed
    assert asked.topic == Topic.WHO
    assert rules.fixed_question(talk_with(*list(Topic)[:5]), ALL_OPEN) is None
    assert rules.fixed_question(Talk("x"), dict.fromkeys(Topic, 0)) is None


def test_the_lines_that_an_answer_changed_are_known() -> None:
    old = Draft(goal="A", promises=(Promise("One"), Promise("Two")))
    new = replace(old, goal="B", promises=(Promise("Two"), Promise("Three")))

    assert rules.changed_lines(old, new) == ["goal", "promises:Three"]
    assert rules.changed_lines(Draft(), new) == []


def test_what_is_stored_is_read_as_it_was() -> None:
    draft = Draft(name="N", promises=(Promise("One", "I look"),), assumptions=(Assumption(Topic.WHO, "All"),))
    asked = Asked("q1", question(Topic.WHO, hangs_on=("q0",)), QuestionState.ANSWERED, How.OWN, "Me")

    assert draft_of(draft_as_json(draft)) == draft
    assert from_row("q1", asked.question.text, detail_of(asked), "Me") == asked
