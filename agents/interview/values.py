"""What the interview is made of: questions, answers, and the brief as it fills in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from agents.interview.topics import Topic


class How(StrEnum):
    """How a question was answered."""

    OPTION = "option"  # one of the choices
    OWN = "own"  # in the founder's own words
    DECIDE = "decide"  # "You decide": the recommended choice, as an assumption
    SKIP = "skip"  # not at all


class QuestionState(StrEnum):
    OPEN = "open"  # waits for the founder
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # what it hung on was changed: it counts no more, and may be asked again


@dataclass(frozen=True)
class Option:
    label: str
    reason: str = ""

    @property
    def value(self) -> str:
        return self.label


@dataclass(frozen=True)
class Question:
    """The first option is the recommended one. `hangs_on` are earlier questions whose answers led to it."""

    topic: Topic
    text: str
    why: str
    options: tuple[Option, ...]
    hangs_on: tuple[str, ...] = ()
    contradicts: str = ""  # the earlier question whose answer a later one contradicts
    is_fixed: bool = False  # of the map, because the model's own could not be used


@dataclass(frozen=True)
class Asked:
    """A question that was put to the founder, with what became of it."""

    id: str
    question: Question
    state: QuestionState = QuestionState.OPEN
    how: How | None = None
    answer: str = ""

    @property
    def is_settled(self) -> bool:
        return self.state == QuestionState.ANSWERED


@dataclass(frozen=True)
class Promise:
    text: str
    how_checked: str = ""


@dataclass(frozen=True)
class Assumption:
    topic: Topic
    text: str


@dataclass(frozen=True)
class Draft:
    """The brief so far, in the founder's language."""

    name: str = ""
    goal: str = ""
    problem: str = ""
    target_user: str = ""
    solution: str = ""
    success: str = ""
    promises: tuple[Promise, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # from the founder: a key, a list, a picture
    assumptions: tuple[Assumption, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Draft()


@dataclass(frozen=True)
class Step:
    """What one call of the model gives: the brief with the last answer in it, and what to ask next."""

    language: str
    draft: Draft
    uncertainty: Mapping[Topic, int]
    sensitive: tuple[str, ...] = ()
    question: Question | None = None


@dataclass(frozen=True)
class Talk:
    """Everything said so far."""

    text: str
    asked: tuple[Asked, ...] = ()
    draft: Draft = field(default_factory=Draft)
    sensitive: tuple[str, ...] = ()
    language: str = ""

    def find(self, question_id: str) -> Asked | None:
        return next((asked for asked in self.asked if asked.id == question_id), None)

    @property
    def open(self) -> Asked | None:
        return next((asked for asked in self.asked if asked.state == QuestionState.OPEN), None)

    def with_asked(self, changed: Asked) -> "Talk":
        asked = tuple(changed if each.id == changed.id else each for each in self.asked)
        return replace(self, asked=asked)


# To and from JSON


def draft_as_json(draft: Draft) -> dict[str, Any]:
    return asdict(draft)


def draft_of(stored: Mapping[str, Any]) -> Draft:
    texts = ("name", "goal", "problem", "target_user", "solution", "success")
    return Draft(
        **{name: str(stored.get(name, "")) for name in texts},
        promises=tuple(Promise(**promise) for promise in stored.get("promises", ())),
        out_of_scope=tuple(stored.get("out_of_scope", ())),
        needs=tuple(stored.get("needs", ())),
        assumptions=tuple(
            Assumption(Topic(each["topic"]), each["text"]) for each in stored.get("assumptions", ())
        ),
    )


def detail_of(asked: Asked) -> dict[str, Any]:
    """What is kept of a question beside its text and its answer."""
    question = asked.question
    return {
        "topic": question.topic.value,
        "why": question.why,
        "options": [
            {"value": option.value, "label": option.label, "reason": option.reason}
            for option in question.options
        ],
        "recommended": question.options[0].value if question.options else "",
        "hangs_on": list(question.hangs_on),
        "contradicts": question.contradicts,
        "is_fixed": question.is_fixed,
        "how_answered": asked.how.value if asked.how else "",
        "state": asked.state.value,
    }


def asked_of(question_id: str, text: str, detail: Mapping[str, Any], answer: str) -> Asked:
    question = Question(
        topic=Topic(detail["topic"]),
        text=text,
        why=str(detail.get("why", "")),
        options=tuple(
            Option(str(option["label"]), str(option.get("reason", "")))
            for option in detail.get("options", ())
        ),
        hangs_on=tuple(detail.get("hangs_on", ())),
        contradicts=str(detail.get("contradicts", "")),
        is_fixed=bool(detail.get("is_fixed", False)),
    )
    how = How(detail["how_answered"]) if detail.get("how_answered") else None
    return Asked(question_id, question, QuestionState(detail["state"]), how, answer)
