"""The one tool that the model answers with, and its input read into a `Step`. Every text is bounded."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from agents.interview.rules import SENSITIVE, Unfit
from agents.interview.topics import MOST_UNCERTAIN, Topic
from agents.interview.values import Assumption, Draft, Option, Promise, Question, Step, Talk
from jobs.promises import same_words
from jobs.storable import storable

NAME = "interview_step"
FEWEST_PROMISES, MOST_PROMISES = 3, 9
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4
MOST_LINES = 12
NAME_LIMIT, LINE_LIMIT, TEXT_LIMIT = 80, 400, 2_000  # characters
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_TEXT = {"type": "string"}
_TOPIC = {"type": "string", "enum": [topic.value for topic in Topic]}
_QUESTION = _object(
    topic=_TOPIC,
    text=_TEXT,
    why=_TEXT,
    options=_list(_object(label=_TEXT, reason=_TEXT)),
    hangs_on=_list(_TEXT),
    contradicts=_TEXT,
)
TOOL: dict[str, Any] = {
    "name": NAME,
    "description": "The brief with the last answer in it, and the next question or null.",
    "strict": True,
    "input_schema": _object(
        language={**_TEXT, "description": "The founder's language as a BCP 47 tag."},
        name=_TEXT,
        goal=_TEXT,
        problem=_TEXT,
        target_user=_TEXT,
        solution=_TEXT,
        success=_TEXT,
        promises=_list(_object(text=_TEXT, how_checked=_TEXT)),
        out_of_scope=_list(_TEXT),
        needs=_list(_TEXT),
        assumptions=_list(_object(topic=_TOPIC, text=_TEXT)),
        uncertainty=_object(**{topic.value: {"type": "integer", "enum": [0, 1, 2, 3]} for topic in Topic}),
        sensitive=_list({"type": "string", "enum": list(SENSITIVE)}),
        question={"anyOf": [_QUESTION, {"type": "null"}]},
    ),
}


def read(given: Any, talk: Talk) -> Step:
    """The tool's input as a step; raises `Unfit` with what is wrong with it."""
    given = _mapping(storable(given), "input")
    uncertainty = _mapping(given.get("uncertainty"), "uncertainty")
    return Step(
        language=_language(given.get("language")),
        draft=_draft(given),
        uncertainty={topic: _level(uncertainty.get(topic.value), topic) for topic in Topic},
        sensitive=tuple(kind for kind in SENSITIVE if kind in _items(given.get("sensitive"), "sensitive")),
        question=_question(given.get("question"), talk),
    )


def _draft(given: Mapping[str, Any]) -> Draft:
    return Draft(
        name=_text(given.get("name"), "name", NAME_LIMIT),
        goal=_text(given.get("goal"), "goal", TEXT_LIMIT),
        problem=_text(given.get("problem"), "problem", TEXT_LIMIT, may_be_empty=True),
        target_user=_text(given.get("target_user"), "target_user", TEXT_LIMIT, may_be_empty=True),
        solution=_text(given.get("solution"), "solution", TEXT_LIMIT, may_be_empty=True),
        success=_text(given.get("success"), "success", TEXT_LIMIT, may_be_empty=True),
        promises=_promises(given.get("promises")),
        out_of_scope=_lines(given.get("out_of_scope"), "out_of_scope"),
        needs=_lines(given.get("needs"), "needs"),
        assumptions=tuple(_assumption(item) for item in _items(given.get("assumptions"), "assumptions")),
    )


def _promises(given: Any) -> tuple[Promise, ...]:
    """Without those that say the same twice."""
    found = [
        Promise(
            _text(_mapping(item, "promise").get("text"), "promise", LINE_LIMIT),
            _text(item.get("how_checked"), "how_checked", LINE_LIMIT),
        )
        for item in _items(given, "promises")
    ]
    different = {same_words(promise.text): promise for promise in reversed(found)}
    kept = [promise for promise in found if different[same_words(promise.text)] is promise]
    if not FEWEST_PROMISES <= len(kept) <= MOST_PROMISES:
        raise Unfit(
            f"There must be {FEWEST_PROMISES} to {MOST_PROMISES} different promises, not {len(kept)}."
        )
    return tuple(kept)


def _assumption(item: Any) -> Assumption:
    item = _mapping(item, "assumption")
    return Assumption(_topic(item.get("topic")), _text(item.get("text"), "assumption", LINE_LIMIT))


def _question(given: Any, talk: Talk) -> Question | None:
    if given is None:
        return None
    given = _mapping(given, "question")
    options = tuple(_option(item) for item in _items(given.get("options"), "options"))
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        raise Unfit(f"A question has {FEWEST_OPTIONS} to {MOST_OPTIONS} options, not {len(options)}.")
    if len({option.label for option in options}) < len(options):
        raise Unfit("The options of a question must differ.")
    known = {asked.id for asked in talk.asked if asked.is_settled}
    return Question(
        topic=_topic(given.get("topic")),
        text=_text(given.get("text"), "question", LINE_LIMIT),
        why=_text(given.get("why"), "why", LINE_LIMIT),
        options=options,
        hangs_on=tuple(key for key in _lines(given.get("hangs_on"), "hangs_on") if key in known),
        contradicts=_text(given.get("contradicts"), "contradicts", LINE_LIMIT, may_be_empty=True),
    )


def _option(item: Any) -> Option:
    item = _mapping(item, "option")
    return Option(
        _text(item.get("label"), "option", LINE_LIMIT),
        _text(item.get("reason"), "reason", LINE_LIMIT, may_be_empty=True),
    )


def _topic(given: Any) -> Topic:
    try:
        return Topic(given)
    except ValueError as error:
        raise Unfit(f"There is no topic {given!r:.60}.") from error


def _level(given: Any, topic: Topic) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_UNCERTAIN:
        raise Unfit(f"The uncertainty of {topic} must be 0 to {MOST_UNCERTAIN}.")
    return given


def _language(given: Any) -> str:
    if not isinstance(given, str) or not LANGUAGE.fullmatch(given) or len(given) > 35:
        raise Unfit("language must be a BCP 47 tag, such as da or pt-BR.")
    return given


def _text(given: Any, what: str, limit: int, *, may_be_empty: bool = False) -> str:
    if not isinstance(given, str):
        raise Unfit(f"{what} must be a text.")
    said = given.strip()
    if not said and not may_be_empty:
        raise Unfit(f"{what} is empty.")
    if len(said) > limit:
        raise Unfit(f"{what} has {len(said)} characters; at most {limit} are allowed.")
    return said


def _lines(given: Any, what: str) -> tuple[str, ...]:
    return tuple(_text(item, what, LINE_LIMIT) for item in _items(given, what))


def _items(given: Any, what: str) -> Iterable[Any]:
    if not isinstance(given, list) or len(given) > MOST_LINES:
        raise Unfit(f"{what} must be a list of at most {MOST_LINES}.")
    return given


def _mapping(given: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise Unfit(f"{what} must be an object.")
    return given
