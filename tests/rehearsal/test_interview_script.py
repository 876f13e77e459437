"""The rehearsal's interview: sensible questions for any sentence, and honest about itself."""

from typing import Any

import pytest

from agents.interview import rules, schema
from agents.interview.values import Asked, How, Talk
from rehearsal.interview import script
from rehearsal.interview.request import Said

EXAMPLE = "A page for my hardware shop that shows which tools neighbours can borrow"
SENTENCES = {
    "two words": "bakery app",
    "bakery": "A page for my bakery where people order bread for Saturday",
    "clinic": "A clinic where patients book appointments",
    "example": EXAMPLE,
    "danish": "En side hvor naboer kan låne værktøj af hinanden",
    "arabic": "صفحة يحجز فيها المرضى موعدًا في عيادتي",
    "japanese": "近所の人が道具を貸し借りできるページ",
    "none of them": "Een lijst van alle fietsen die te koop staan",
    "long": "tools " * 8_000,
    "symbols": "?!",
}


def interview(
    text: str, answers: dict[str, str] | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Played to its end: what was asked, and the last step."""
    asked: list[dict[str, Any]] = []
    while True:
        step = script.step(Said(text, tuple(asked), is_last=len(asked) >= 5))
        question = step["question"]
        if question is None:
            return asked, step
        given = (answers or {}).get(question["topic"]) or question["options"][0]["label"]
        asked.append({"id": f"q{len(asked) + 1}", "how": "option", "answer": given, **question})


@pytest.mark.parametrize("text", SENTENCES.values(), ids=SENTENCES)
def test_any_sentence_leads_to_five_questions_that_our_own_rules_accept(text: str) -> None:
    asked, last = interview(text)
    talk = Talk(text)
    for each in asked:
        step = schema.read(script.step(Said(text, tuple(asked[: len(talk.asked)]), is_last=False)), talk)
        rules.check(step, talk)
        assert step.question is not None
        key = f"q{len(talk.asked) + 1}"
        talk = Talk(text, (*talk.asked, Asked(key, step.question)))
        talk = rules.answered(talk, key, How.OPTION, each["answer"])

    assert len(asked) == len({each["topic"] for each in asked}) == 5
    assert schema.read(last, talk).draft.promises
    assert last["assumptions"][0]["text"] == script.words_for(text)["honest"]


@pytest.mark.parametrize(
    ("name", "language"),
    [("danish", "da"), ("arabic", "ar"), ("japanese", "ja"), ("bakery", "en"), ("none of them", "en")],
)
def test_it_asks_in_the_sentences_language_where_it_speaks_it(name: str, language: str) -> None:
    step = script.step(Said(SENTENCES[name], (), is_last=False))

    assert step["language"] == language
    assert step["goal"] == SENTENCES[name]


def test_it_never_asks_what_the_sentence_says() -> None:
    asked, _ = interview(
        "Customers get an e-mail when their bread is ready, without payments; only I change it"
    )

    assert {each["topic"] for each in asked}.isdisjoint({"who", "sent", "left_out", "access"})


def test_answers_become_promises() -> None:
    _, last = interview(SENTENCES["bakery"], {"never": "Bread is sold twice"})

    assert "This never happens: Bread is sold twice." in [promise["text"] for promise in last["promises"]]


def test_the_examples_interview_is_its_own() -> None:
    asked, last = interview(EXAMPLE)

    assert last["name"] == "Borrow Shelf"
    assert "without phoning you" in asked[0]["text"]


def test_a_contradiction_is_asked_about() -> None:
    said = Said(
        SENTENCES["bakery"],
        (
            {"id": "q1", "topic": "access", "text": "Who?", "how": "own", "answer": "Only me"},
            {"id": "q2", "topic": "kept", "text": "What?", "how": "own", "answer": "Everybody can change it"},
        ),
        is_last=False,
    )
    question = script.step(said)["question"]

    assert question["contradicts"] == "q1"
    assert [option["label"] for option in question["options"]] == ["Only me", "Everybody can change it"]


@pytest.mark.parametrize("language", ["en", "da", "ar", "ja"])
def test_each_promise_is_a_sentence_with_another_that_says_how_it_is_tried(language: str) -> None:
    words = script.words_for({"en": "x", "da": "æ", "ar": "م", "ja": "の"}[language])
    pairs = [line.split(" | ") for lines in words["promises"].values() for line in lines]

    assert words["language"] == language
    assert all(len(pair) == 2 for pair in pairs)
    assert all(text.endswith((".", "。")) and how.endswith((".", "。")) for text, how in pairs)
