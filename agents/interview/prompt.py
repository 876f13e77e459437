"""What the model is told: the rules of the interview, and with each call everything said so far, as data."""

from functools import cache
from pathlib import Path
from typing import Any

from agents.interview import rules
from agents.interview.topics import IMPACT
from agents.interview.values import Talk, draft_as_json
from agents.prompts import as_data

TEMPLATE = Path(__file__).parent / "prompt.md"
NEXT = "Write the brief anew, and ask the next question if one is worth asking."
LAST = "That was the last answer. Write the brief anew; `question` is null."
WITHDRAWN = (
    "The founder has changed an earlier answer. What hung on it is withdrawn: write the brief anew, and ask "
    "again only what the change makes necessary."
)
NOT_CALLED = "Answer with one call of `interview_step`."


@cache
def system_prompt() -> str:
    from jinja2 import Environment, StrictUndefined

    # Plain text for a model, and none of it is the founder's.
    engine = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701
    return engine.from_string(TEMPLATE.read_text()).render(
        impacts=[(topic.value, impact) for topic, impact in IMPACT.items()]
    )


def message(talk: Talk) -> dict[str, Any]:
    """Everything said so far. The sentence is a block of its own: a long one is read from the cache."""
    told = {
        "questions": [
            {
                "id": asked.id,
                "topic": asked.question.topic,
                "text": asked.question.text,
                "how": asked.how or asked.state,
                "answer": asked.answer,
            }
            for asked in talk.asked
        ],
        "brief": draft_as_json(talk.draft) if not talk.draft.is_empty else None,
    }
    return {
        "role": "user",
        "content": [
            {
                "type": "text",
                "text": f"<founder_input>\n{as_data({'text': talk.text})}\n</founder_input>",
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "text", "text": f"<founder_input>\n{as_data(told)}\n</founder_input>\n{_task(talk)}"},
        ],
    }


def _task(talk: Talk) -> str:
    if not rules.may_ask(talk):
        return LAST
    has_changed = any(asked.state == "withdrawn" for asked in talk.asked)
    return WITHDRAWN if has_changed else NEXT
