"""The model's answer at the border: every text and list is bounded, and what is wrong is said."""

from typing import Any

import pytest

from agents.interview import schema
from agents.interview.rules import Unfit
from agents.interview.topics import Topic
from agents.interview.values import Talk

TALK = Talk("A list of plants")


def given(**changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "language": "en",
        "name": "Plants",
        "goal": "A list of plants",
        "problem": "",
        "target_user": "",
        "solution": "",
        "success": "",
        "promises": [{"text": f"Promise {n}", "how_checked": "I look"} for n in range(3)],
        "out_of_scope": [],
        "needs": [],
        "assumptions": [{"topic": "who", "text": "Everybody"}],
        "uncertainty": {topic.value: 1 for topic in Topic},
        "sensitive": [],
        "question": {
            "topic": "job",
            "text": "What first?",
            "why": "It decides the first page.",
            "options": [{"label": "One", "reason": "Because"}, {"label": "Two", "reason": ""}],
            "hangs_on": [],
            "contradicts": "",
        },
    }
    return answer | changes


def with_question(**changes: Any) -> dict[str, Any]:
    answer = given()
    return answer | {"question": answer["question"] | changes}


def promises(*texts: str) -> list[dict[str, str]]:
    return [{"text": text, "how_checked": "I look"} for text in texts]


def test_a_whole_answer_is_read() -> None:
    step = schema.read(given(), TALK)

    assert step.draft.name == "Plants"
    assert step.question is not None
    assert step.question.options[0].reason == "Because"
    assert schema.read(given(question=None), TALK).question is None


def test_the_same_promise_twice_is_one() -> None:
    step = schema.read(given(promises=promises("A list", "a  LIST", "B", "C")), TALK)

    assert [promise.text for promise in step.draft.promises] == ["A list", "B", "C"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (given(promises=promises("A", "B")), "3 to 9"),
        (given(promises=promises(*(f"P{n}" for n in range(10)))), "3 to 9"),
        (given(promises=promises(*(f"P{n}" for n in range(50)))), "at most 12"),
        (given(promises=promises("A", "B", "x" * 401)), "401 characters"),
        (given(name=""), "name is empty"),
        (given(goal=7), "goal must be a text"),
        (given(language="not a language"), "BCP 47"),
        (given(uncertainty={"job": 9}), "uncertainty of job"),
        (given(uncertainty=[]), "uncertainty must be an object"),
        (given(assumptions=[{"topic": "weather", "text": "x"}]), "no topic"),
        (with_question(options=[{"label": "One", "reason": ""}]), "2 to 4"),
        (with_question(options=[{"label": "One", "reason": ""}] * 2), "must differ"),
        (with_question(options=[{"label": str(n), "reason": ""} for n in range(5)]), "2 to 4"),
        (with_question(text=" "), "question is empty"),
        ("text", "input must be an object"),
        ({}, "name must be a text"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(answer: Any, reason: str) -> None:
    if answer == {}:
        answer = given()
        del answer["name"]
    with pytest.raises(Unfit, match=reason):
        schema.read(answer, TALK)


def test_a_question_hangs_only_on_questions_that_exist() -> None:
    step = schema.read(with_question(hangs_on=["q7"]), TALK)

    assert step.question is not None
    assert step.question.hangs_on == ()


def test_what_the_database_cannot_store_is_replaced() -> None:
    assert "\0" not in schema.read(given(goal="A\0B"), TALK).draft.goal


def test_the_tools_schema_is_strict_all_the_way_down() -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for item in node for found in objects(item)]
        if not isinstance(node, dict):
            return []
        own = [node] if node.get("type") == "object" else []
        return own + [found for item in node.values() for found in objects(item)]

    found = objects(schema.TOOL["input_schema"])
    assert len(found) > 4
    assert all(each["additionalProperties"] is False for each in found)
    assert all(each["required"] == list(each["properties"]) for each in found)
