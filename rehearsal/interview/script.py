"""The rules: what a sentence says already, what is worth asking, and the brief that follows. Pure."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.interview.request import Said
from rehearsal.strict_yaml import load_yaml

HERE = Path(__file__).parent
IMPACT = {
    "job": 9,
    "who": 8,
    "access": 8,
    "never": 7,
    "kept": 6,
    "sent": 5,
    "outside": 5,
    "left_out": 4,
    "success": 3,
}
MOST_LINES = 380  # characters of the founder's words in one line
LANGUAGES = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("da", re.compile(r"[æøåÆØÅ]|\b(og|jeg|ikke|skal|kan vi|hvor)\b")),
)
HANGS_ON = {"access": "who", "sent": "who", "kept": "access"}
ONLY_ME = re.compile(r"\bonly (me|i|my team)\b", re.IGNORECASE)
EVERYBODY = re.compile(r"\b(everybody|everyone|anyone|anybody)\b.{0,30}\b(change|edit|see)\b", re.IGNORECASE)


def step(said: Said) -> dict[str, Any]:
    """The tool's input: the brief with the last answer in it, and the next question or none."""
    words = words_for(said.text)
    uncertainty = uncertainty_of(said, words)
    return {
        "language": words["language"],
        **_brief(said, words),
        "uncertainty": uncertainty,
        "sensitive": [],
        "question": None if said.is_last else _question(said, words, uncertainty),
    }


@cache
def _words(name: str) -> dict[str, Any]:
    found: dict[str, Any] = load_yaml((HERE / "words" / f"{name}.yaml").read_text())
    return found


def words_for(text: str) -> dict[str, Any]:
    """The example's own interview for its sentence; otherwise the rules in the sentence's language."""
    if re.search(_words("example")["matches"], text, re.IGNORECASE):
        return {**_words("en"), **_words("example")}
    return _words(language_of(text))


def language_of(text: str) -> str:
    """The language of most of the text, of the few that the script speaks; English for all others."""
    counts = {name: sum(len(found.group()) for found in marks.finditer(text)) for name, marks in LANGUAGES}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "en"


def kind_of(text: str, words: Mapping[str, Any]) -> str:
    """What the idea is about, by the first kind whose words it holds."""
    for kind, marks in words["kinds"].items():
        if re.search(marks, text, re.IGNORECASE):
            return str(kind)
    return "other"


def uncertainty_of(said: Said, words: Mapping[str, Any]) -> dict[str, int]:
    """0 where the sentence has the words for it or it was asked; else the more a thing decides, the more."""
    known = {
        topic for topic, marks in words["answered_by"].items() if re.search(marks, said.text, re.IGNORECASE)
    }
    known |= said.settled
    return {topic: 0 if topic in known else 3 if impact > 4 else 2 for topic, impact in IMPACT.items()}


def _question(said: Said, words: Mapping[str, Any], uncertainty: Mapping[str, int]) -> dict[str, Any] | None:
    if contradiction := _contradiction(said, words):
        return contradiction
    topics = [topic for topic in IMPACT if uncertainty[topic]]
    if not topics:
        return None
    topic = max(topics, key=lambda name: IMPACT[name] * uncertainty[name])
    asked = words["questions"][topic]
    asked = {**asked, **asked.get("kinds", {}).get(kind_of(said.text, words), {})}
    return {
        "topic": topic,
        "text": asked["text"],
        "why": asked["why"],
        "options": [_option(option) for option in asked["options"]],
        "hangs_on": [item["id"] for item in said.questions if item["topic"] == HANGS_ON.get(topic)],
        "contradicts": "",
    }


def _option(option: str) -> dict[str, str]:
    label, _, reason = option.partition(" | ")
    return {"label": label, "reason": reason}


def _contradiction(said: Said, words: Mapping[str, Any]) -> dict[str, Any] | None:
    """ "Only me" and later "everybody may change it": which of the two counts?"""
    access = next((item for item in said.questions if item["topic"] == "access" and item["answer"]), None)
    if access is None or access is said.questions[-1] or not ONLY_ME.search(access["answer"]):
        return None
    later = said.questions[-1]
    if not EVERYBODY.search(later["answer"]) or later["topic"] == "access":
        return None
    return {
        "topic": "access",
        "text": words["contradiction"]["text"],
        "why": words["contradiction"]["why"],
        "options": [_option(access["answer"]), _option(later["answer"])],
        "hangs_on": [],
        "contradicts": access["id"],
    }


def _brief(said: Said, words: Mapping[str, Any]) -> dict[str, Any]:
    brief = words["brief"]
    kind = kind_of(said.text, words)
    idea = _line(said.text)
    return {
        "name": brief.get("name") or _name(said.text, words),
        "goal": brief.get("goal") or idea,
        "problem": brief.get("problem", ""),
        "target_user": said.answer("who") or brief.get("target_user", ""),
        "solution": brief.get("solution") or said.answer("job"),
        "success": said.answer("success"),
        "promises": _promises(said, words, kind),
        "out_of_scope": [answer] if (answer := _line(said.answer("left_out"))) else [],
        "needs": [answer] if (answer := _line(said.answer("outside"))) and "outside" in said.settled else [],
        "assumptions": [
            {"topic": "job", "text": words["honest"]},
            *[
                {"topic": item["topic"], "text": _line(f"{item['text']} {item['answer']}")}
                for item in said.questions
                if item["how"] == "decide"
            ],
        ],
    }


def _promises(said: Said, words: Mapping[str, Any], kind: str) -> list[dict[str, str]]:
    """Those of the kind, and one for each answer that can be checked."""
    pairs = [promise.split(" | ") for promise in words["promises"].get(kind, words["promises"]["other"])]
    for topic, promise in words["promises_of_answers"].items():
        if answer := said.answer(topic):
            text, how = promise.split(" | ")
            pairs.append([text.replace("{answer}", _line(answer)), how])
    return [{"text": text, "how_checked": how} for text, how in pairs[:9]]


def _line(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= MOST_LINES - 50 else f"{said[: MOST_LINES - 51]}…"


def _name(text: str, words: Mapping[str, Any]) -> str:
    """The first words that say something, as they are: the script does not invent names."""
    said = text.split()
    while len(said) > 1 and re.fullmatch(words["skip"], said[0], re.IGNORECASE):
        said = said[1:]
    name: list[str] = []
    for word in said[:4]:
        if name and re.fullmatch(words["stop"], word, re.IGNORECASE):
            break
        name.append(word)
    found = " ".join(name)[:40].strip(".,;:!?。、") or "…"
    return found[0].upper() + found[1:]
