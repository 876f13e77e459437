"""What the model was sent besides tool results, request by request, as received over HTTP."""

from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

MOST_REQUESTS = 5_000


@dataclass(frozen=True)
class Request:
    """`new` is what came since the model's last turn; `so_far` counts all texts of the conversation.

    `instructions` are those for a summary, empty where none was asked for, or none were given.
    """

    at: float  # seconds since the epoch, when it arrived
    user_id: str | None
    new: tuple[str, ...]
    so_far: int
    instructions: str


class Heard:
    """The newest requests, and all texts of each user's latest request."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=MOST_REQUESTS)
        self._latest: dict[str | None, list[str]] = {}

    def add(
        self,
        at: float,
        user_id: str | None,
        messages: list[dict[str, Any]],
        compaction: dict[str, Any] | None,
    ) -> None:
        everything = [text for message in messages for text in _texts(message)]
        instructions = (compaction or {}).get("instructions") or ""
        new = tuple(_texts(messages[-1]))
        self._requests.append(Request(at, user_id, new, len(everything), instructions))
        self._latest[user_id] = everything

    def to_json(self, user_id: str | None = None) -> dict[str, Any]:
        chosen = [asdict(one) for one in self._requests if user_id in (None, one.user_id)]
        return {"requests": chosen, "latest": self._latest.get(user_id, [])}


def _texts(message: dict[str, Any]) -> Iterable[str]:
    content = message["content"] if message["role"] == "user" else []
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content if block["type"] == "text"]
