"""A transcript's rows as a request has them."""

from collections.abc import Iterable
from typing import Any

from agents.checkpoint.transcript import append
from agents.turns import Block


def as_messages(rows: Iterable[tuple[str, list[Block]]]) -> list[dict[str, Any]]:
    """Rows of `(role, content)` as request messages."""
    messages: list[dict[str, Any]] = []
    for role, content in rows:
        append(messages, role, content)
    return messages
