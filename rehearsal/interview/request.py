"""What the rehearsal model reads from a request for an interview's next step."""

import json
import re
from dataclasses import dataclass
from typing import Any

TOOL = "interview_step"
_BLOCK = re.compile(r"<founder_input>\s*(\{.*?\})\s*</founder_input>", re.DOTALL)
_LAST = "That was the last answer."


@dataclass(frozen=True)
class Said:
    """Everything said so far: the sentence, and each question with how it was answered."""

    text: str
    questions: tuple[dict[str, Any], ...]
    is_last: bool

    def answer(self, topic: str) -> str:
        """The newest answer about a topic."""
        found = [item["answer"] for item in self.questions if item["topic"] == topic and item["answer"]]
        return str(found[-1]) if found else ""

    @property
    def settled(self) -> set[str]:
        return {item["topic"] for item in self.questions if item["how"] not in ("open", "withdrawn")}


def is_interview(body: dict[str, Any]) -> bool:
    return [tool.get("name") for tool in body.get("tools") or []] == [TOOL]


def said_in(body: dict[str, Any]) -> Said:
    """Read the first message, which holds everything."""
    content = body["messages"][0]["content"]
    texts = [block["text"] for block in content if block["type"] == "text"]
    found: dict[str, Any] = {}
    for text in texts:
        if match := _BLOCK.search(text):
            found |= json.loads(match.group(1))
    return Said(
        text=str(found.get("text", "")),
        questions=tuple(found.get("questions", ())),
        is_last=any(_LAST in text for text in texts),
    )
