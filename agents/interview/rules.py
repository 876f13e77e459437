"""The rules of the interview, as functions of what was said: no model, no database, no clock."""

import re
from collections.abc import Mapping
from dataclasses import replace

from agents.interview.topics import FIXED, IMPACT, MOST_UNCERTAIN, Topic
from agents.interview.values import (
    Asked,
    Assumption,
    Draft,
    How,
    Option,
    Question,
    QuestionState,
    Step,
    Talk,
)

USUAL_QUESTIONS = 5
SENSITIVE_QUESTIONS = 7  # where money, health or children are involved
MONEY, HEALTH, CHILDREN = "money", "health", "children"
SENSITIVE = (MONEY, HEALTH, CHILDREN)

# Words that say so by themselves; the model says so as well, in whatever language.
_WORDS = {
    MONEY: r"pay(s|ing|ment|ments)?|invoices?|deposits?|donat\w+|sell(s|ing)?|refunds?|prices?|money|checkout"
    r"|betal\w*|faktura\w*|køb\w*|bezahl\w*|rechnung\w*|paie\w*|factur\w*|pag[oa]s?",
    HEALTH: r"patients?|clinics?|doctors?|nurses?|therap\w+|medic\w+|symptoms?|health\w*|dentists?"
    r"|læge\w*|klinik\w*|sundhed\w*|arzt\w*|praxis|santé|salud",
    CHILDREN: r"child(ren)?|kids?|pupils?|school(s|ing)?|nurser(y|ies)|toddlers?|babysit\w+"
    r"|børn\w*|barn\w*|skole\w*|kind(er|ern)?|schule\w*|enfants?|école\w*|niñ[oa]s?|escuela\w*",
}
_UNSPACED = {  # languages whose words are not set apart by spaces, or take prefixes
    MONEY: "支払|料金|お金|決済|販売|دفع|سداد|فاتورة|فواتير",
    HEALTH: "患者|病院|医者|診療|健康|مريض|مرضى|عيادة|طبيب|صحة",
    CHILDREN: "子ども|子供|こども|児童|学校|طفل|أطفال|مدرسة|مدارس",
}
_TECHNOLOGY = re.compile(
    r"\b(databases?|sql|apis?|frameworks?|react|vue|angular|django|python|javascript|typescript|back-?end"
    r"|front-?end|servers?|hosting|docker|kubernetes|tech(nology)? stack|programming languages?"
    r"|repositor(y|ies)|graphql|microservices?|postgres\w*|mongodb|node\.?js)\b",
    re.IGNORECASE,
)


class Unfit(Exception):
    """The model's answer cannot be used; the message tells the model why."""


# How many questions


def sensitive_in(text: str) -> tuple[str, ...]:
    """Which of money, health and children a text speaks of."""
    return tuple(
        kind
        for kind in SENSITIVE
        if re.search(rf"\b({_WORDS[kind]})\b", text, re.IGNORECASE) or re.search(_UNSPACED[kind], text)
    )


def most_questions(talk: Talk) -> int:
    is_sensitive = talk.sensitive or sensitive_in(talk.text)
    return SENSITIVE_QUESTIONS if is_sensitive else USUAL_QUESTIONS


def counted(talk: Talk) -> int:
    """The questions that count: one that was withdrawn is asked again in its own place."""
    return sum(asked.state != QuestionState.WITHDRAWN for asked in talk.asked)


def may_ask(talk: Talk) -> bool:
    return counted(talk) < most_questions(talk)


# Which question


def closed_topics(talk: Talk) -> frozenset[Topic]:
    """Topics that were asked about and answered, or skipped."""
    return frozenset(asked.question.topic for asked in talk.asked if asked.is_settled)


def most_worth(talk: Talk, uncertainty: Mapping[Topic, int]) -> list[Topic]:
    """The topics that may still be asked about, by impact times uncertainty."""
    open_ones = [
        topic for topic in Topic if topic not in closed_topics(talk) and uncertainty.get(topic, 0) > 0
    ]
    return sorted(open_ones, key=lambda topic: -IMPACT[topic] * uncertainty[topic])


def check(step: Step, talk: Talk) -> None:
    """Whether the step may be used as it is; raises `Unfit`."""
    question = step.question
    if question is None:
        return
    if question.contradicts:
        _check_contradiction(question, talk)
    else:
        _check_topic(question, step, talk)
    if any(_same(question.text, asked.question.text) for asked in talk.asked if asked.is_settled):
        raise Unfit("This question was asked already, word for word.")
    if said := _TECHNOLOGY.search(" ".join([question.text, *(option.label for option in question.options)])):
        raise Unfit(f"Never ask about technology ({said.group()}): that is yours to decide.")


def _check_topic(question: Question, step: Step, talk: Talk) -> None:
    worth = most_worth(talk, step.uncertainty)
    if question.topic in closed_topics(talk):
        raise Unfit(f"The topic {question.topic} is answered already. Ask about another, or end.")
    if question.topic not in worth:
        raise Unfit(f"You say that {question.topic} is certain. Ask about what is not, or end.")
    scores = {topic: IMPACT[topic] * step.uncertainty[topic] for topic in worth}
    if scores[question.topic] < max(scores.values()):
        raise Unfit(f"Ask about {worth[0]} first: its impact times uncertainty is higher.")


def _check_contradiction(question: Question, talk: Talk) -> None:
    earlier = talk.find(question.contradicts)
    if earlier is None or not earlier.is_settled:
        raise Unfit(f"There is no answered question {question.contradicts!r} to contradict.")
    if any(asked.question.contradicts == question.contradicts for asked in talk.asked if asked.is_settled):
        raise Unfit("This contradiction was asked about already. Take the newest answer.")


def fixed_question(talk: Talk, uncertainty: Mapping[Topic, int]) -> Question | None:
    """The map's own question about what is most worth asking; None when nothing is open."""
    known = uncertainty or dict.fromkeys(Topic, MOST_UNCERTAIN)
    worth = most_worth(talk, known)
    if not worth or not may_ask(talk):
        return None
    fixed = FIXED[worth[0]]
    options = tuple(Option(label, reason) for label, reason in fixed.options)
    return Question(worth[0], fixed.text, fixed.why, options, is_fixed=True)


# Answers


def answered(talk: Talk, question_id: str, how: How, text: str) -> Talk:
    """The talk with this answer. Whatever hung on an earlier answer to the same question is withdrawn."""
    asked = talk.find(question_id)
    assert asked is not None
    if asked.is_settled:
        for hanging in hanging_on(talk, question_id):
            talk = talk.with_asked(replace(hanging, state=QuestionState.WITHDRAWN, how=None, answer=""))
    recommended = asked.question.options[0].label if asked.question.options else ""
    said = {How.DECIDE: recommended, How.SKIP: ""}.get(how, text)
    return talk.with_asked(replace(asked, state=QuestionState.ANSWERED, how=how, answer=said))


def hanging_on(talk: Talk, question_id: str) -> list[Asked]:
    """The questions that hang on this one, directly or through others; also one that is open."""
    found: list[Asked] = []
    ids = {question_id}
    for asked in talk.asked:  # a question can only hang on earlier ones
        if asked.id not in ids and ids.intersection((*asked.question.hangs_on, asked.question.contradicts)):
            found.append(asked)
            ids.add(asked.id)
    return found


def with_decided(draft: Draft, talk: Talk) -> Draft:
    """The draft with an assumption for each "You decide" that the model has not written down as one."""
    noted = {assumption.topic for assumption in draft.assumptions}
    decided = [
        Assumption(asked.question.topic, f"{asked.question.text} {asked.answer}".strip())
        for asked in talk.asked
        if asked.is_settled and asked.how == How.DECIDE and asked.question.topic not in noted
    ]
    return replace(draft, assumptions=(*draft.assumptions, *decided))


def changed_lines(old: Draft, new: Draft) -> list[str]:
    """Which lines of the brief are new or changed: a field's name, or a list's name with the line's text."""
    if old.is_empty:
        return []
    single = ("name", "goal", "problem", "target_user", "solution", "success")
    found = [name for name in single if getattr(old, name) != getattr(new, name)]
    for name in ("promises", "out_of_scope", "needs", "assumptions"):
        before = {_line(item) for item in getattr(old, name)}
        found += [f"{name}:{_line(item)}" for item in getattr(new, name) if _line(item) not in before]
    return found


def _line(item: object) -> str:
    return str(getattr(item, "text", item))


def _same(one: str, other: str) -> bool:
    return " ".join(one.lower().split()) == " ".join(other.lower().split())
