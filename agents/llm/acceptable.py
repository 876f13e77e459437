"""The one place that decides what of an answer is stored and sent back: only what the API accepts.

Whatever the provider streamed becomes content that the next request may hold. Thinking is kept byte for byte
or not at all. A call that cannot be understood is kept as one that fails, so that the model reads why.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from agents.llm.streamed import whole_characters
from agents.turns import COMPACTION, THINKING, UNREADABLE, Block

MOST_UNREADABLE = 2_000  # characters of an input that the model is shown again
LONGEST_ID = LONGEST_NAME = 128
LONGEST_STOP_REASON = 40
_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]")  # in an id or a tool's name


def acceptable(content: Iterable[Any], earlier_ids: Collection[str] = ()) -> list[Block]:
    """The blocks that may be sent back; empty when there are none. `earlier_ids` are of earlier calls."""
    kept: list[Block] = []
    asked: list[tuple[Any, Block]] = []  # each call, with the id it came with
    taken = set(earlier_ids)
    for block in content:
        fit = _fitting(block)
        if fit is None:
            continue
        if fit["type"] == "tool_use":
            given = fit["id"]
            if (given, _without_id(fit)) in asked:
                continue  # the same block twice
            asked.append((given, _without_id(fit)))
            fit["id"] = _unique(given, taken)
            taken.add(fit["id"])
        kept.append(fit)
    while kept and kept[-1]["type"] in THINKING:
        kept.pop()  # a turn may not end with thinking
    return kept


def acceptable_stop(reason: Any) -> str:
    """The reason why an ordinary answer ended; only a summary that was asked for ends with `compaction`."""
    if not isinstance(reason, str) or reason == COMPACTION:
        return "end_turn"
    return whole_characters(reason)[:LONGEST_STOP_REASON]


def summary(content: Iterable[Any], stop_reason: Any) -> list[Block]:
    """The block that stands for the conversation; empty when the answer holds none that may be sent."""
    blocks = [block for block in content if isinstance(block, dict) and block.get("type") == COMPACTION]
    if stop_reason != COMPACTION or len(blocks) != 1 or not _is_sendable(blocks[0]):
        return []
    said = blocks[0].get("content")
    return blocks if isinstance(said, str) and said.strip() else []


def ids_in(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of all tool calls in a request's messages."""
    return {
        block["id"] for message in messages for block in message["content"] if block["type"] == "tool_use"
    }


# One block


def _fitting(block: Any) -> Block | None:
    kind = block.get("type") if isinstance(block, dict) else None
    return _FITTING[kind](block) if isinstance(kind, str) and kind in _FITTING else None


def _text(block: Block) -> Block | None:
    text = block.get("text")
    if not isinstance(text, str) or not text.strip():
        return None
    fit = {"type": "text", "text": whole_characters(text)}
    citations = block.get("citations")
    return {**fit, "citations": citations} if isinstance(citations, list) and _is_sendable(block) else fit


def _thinking(block: Block) -> Block | None:
    has_all = isinstance(block.get("thinking"), str) and isinstance(block.get("signature"), str)
    return block if has_all and block["signature"] and _is_sendable(block) else None


def _redacted(block: Block) -> Block | None:
    data = block.get("data")
    return block if isinstance(data, str) and data and _is_sendable(block) else None


def _call(block: Block) -> Block:
    fit: Block = {
        "type": "tool_use",
        "id": _plain(block.get("id"), LONGEST_ID) or "call",
        "name": _plain(block.get("name"), LONGEST_NAME) or "unnamed",
        "input": _input(block.get("input")),
    }
    if isinstance(block.get("caller"), dict) and _is_sendable(block["caller"]):
        fit["caller"] = block["caller"]
    if isinstance(block.get("toolset_name"), str):
        fit["toolset_name"] = whole_characters(block["toolset_name"])
    return fit


_FITTING: dict[str, Callable[[Block], Block | None]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _call,
}


def _plain(value: Any, limit: int) -> str:
    return _FORBIDDEN.sub("_", value)[:limit] if isinstance(value, str) else ""


def _input(value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and _is_sendable(value):
        return value
    try:
        told = value if isinstance(value, str) else json.dumps(value)
    except (ValueError, RecursionError):
        told = ""
    return {UNREADABLE: whole_characters(told)[:MOST_UNREADABLE]}


def _is_sendable(value: Any) -> bool:
    """Whether the value is JSON as the API takes it: no infinite numbers, no half characters, not deep."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        return False
    return True


def _unique(wanted: str, taken: Collection[str]) -> str:
    """The id itself, or one made from it that no other call has."""
    found, number = wanted, 2
    while found in taken:
        ending = f"_{number}"
        found, number = wanted[: LONGEST_ID - len(ending)] + ending, number + 1
    return found


def _without_id(call: Block) -> Block:
    return {name: value for name, value in call.items() if name != "id"}
