"""Answers as odd as the wire allows: each takes the events of an ordinary answer and returns other ones.

The names are those of rehearsal/fault.py. Apart from the calls that are lost or garbled, the play goes on.
"""

import json
from collections.abc import Callable
from typing import Any

from rehearsal.anthropic_api.events import Event

FIXED_ID = "call_1"  # as from a gateway that counts the calls of each answer


def made_odd(events: list[Event], what: str) -> list[Event]:
    """The events of an answer that is odd in this way."""
    return _ODD[what](events)


def _ended(events: list[Event], reason: str | None) -> list[Event]:
    """The answer with another stop reason."""
    return [
        {**event, "delta": {**event["delta"], "stop_reason": reason}}
        if event["type"] == "message_delta"
        else event
        for event in events
    ]


def _without_blocks(events: list[Event], *kinds: str) -> list[Event]:
    """The answer without the blocks of these kinds (all kinds, if none is named)."""
    dropped = {
        event["index"]
        for event in events
        if event["type"] == "content_block_start" and (not kinds or event["content_block"]["type"] in kinds)
    }
    return [event for event in events if event.get("index") not in dropped]


def _with_block(events: list[Event], block: dict[str, Any], *deltas: dict[str, Any]) -> list[Event]:
    """The answer with one more block at its end."""
    index = sum(event["type"] == "content_block_start" for event in events)
    more: list[Event] = [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]
    at = next(n for n, event in enumerate(events) if event["type"] == "message_delta")
    return [*events[:at], *more, *events[at:]]


def _calls(events: list[Event], **changes: Any) -> list[Event]:
    """The answer with other fields of its tool calls."""
    return [
        {**event, "content_block": {**event["content_block"], **changes}} if _begins_call(event) else event
        for event in events
    ]


def _begins_call(event: Event) -> bool:
    return bool(event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use")


def _inputs(events: list[Event], change: Callable[[str], str]) -> list[Event]:
    """The answer with other inputs of its tool calls: `change` gets the JSON as it was written."""
    written: dict[int, str] = {event["index"]: "" for event in events if _begins_call(event)}
    kept = []
    for event in events:
        if event["type"] == "content_block_delta" and event["index"] in written:
            written[event["index"]] += event["delta"]["partial_json"]
            continue
        if event["type"] == "content_block_stop" and event["index"] in written:
            delta = {"type": "input_json_delta", "partial_json": change(written[event["index"]])}
            kept.append({"type": "content_block_delta", "index": event["index"], "delta": delta})
        kept.append(event)
    return kept


def _same_block_twice(events: list[Event]) -> list[Event]:
    """Each call comes once more, with all its events."""
    result = events
    for begun in [event for event in events if _begins_call(event)]:
        deltas = [
            event["delta"]
            for event in events
            if event["type"] == "content_block_delta" and event["index"] == begun["index"]
        ]
        result = _with_block(result, begun["content_block"], *deltas)
    return result


def _usage(events: list[Event], change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Event]:
    """The answer with other fields about its usage: `change` gets what holds it, and returns other fields."""
    result = []
    for event in events:
        if event["type"] == "message_start":
            result.append({**event, "message": change(event["message"])})
        else:
            result.append(change(event) if event["type"] == "message_delta" else event)
    return result


def _without_usage(holder: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in holder.items() if name != "usage"}


def _after_start(events: list[Event], event: Event) -> list[Event]:
    return [events[0], event, *events[1:]]


def _newer_delta(events: list[Event]) -> list[Event]:
    delta: Event = {"type": "content_block_delta", "index": 0, "delta": {"type": "newer_delta", "newer": [1]}}
    at = next(n for n, event in enumerate(events) if event["type"] == "content_block_stop")
    return [*events[:at], delta, *events[at:]]


def _split_character(events: list[Event]) -> list[Event]:
    """A character of the first call's input arrives in two halves, as two events."""
    index = next(event["index"] for event in events if _begins_call(event))
    whole = _inputs(events, str)
    result: list[Event] = []
    for event in whole:
        if event["type"] == "content_block_delta" and event["index"] == index:
            written = event["delta"]["partial_json"]
            at = written.index('"', written.index(":")) + 1
            for piece in (written[:at] + "\ud83c", "\udf3b" + written[at:]):
                result.append({**event, "delta": {"type": "input_json_delta", "partial_json": piece}})
        else:
            result.append(event)
    return result


def _calls_first(events: list[Event]) -> list[Event]:
    """The thinking block comes after the others: an answer may not be sent back with it at its end."""
    thinking = [event for event in events if event.get("index") == 0]
    rest = [event for event in events if event.get("index") != 0]
    at = next(n for n, event in enumerate(rest) if event["type"] == "message_delta")
    return [*rest[:at], *thinking, *rest[at:]]


ODD_USAGE = {"input_tokens": "many", "output_tokens": -5, "cache_creation": 7, "iterations": {}}
NEWER = {"type": "newer_event", "newer": {"of": [1, 2]}, "delta": {"stop_reason": None}}

_ODD: dict[str, Callable[[list[Event]], list[Event]]] = {
    "empty": lambda events: _ended(_without_blocks(events), "end_turn"),
    "blank_text": lambda events: _ended(
        _with_block(
            _without_blocks(events), {"type": "text", "text": ""}, {"type": "text_delta", "text": " \n"}
        ),
        "end_turn",
    ),
    "thinking_only": lambda events: _ended(_without_blocks(events, "text"), "end_turn"),
    "calls_missing": lambda events: _ended(events, "tool_use"),
    "newer_stop": lambda events: _ended(_without_blocks(events), "newer_stop"),
    "same_block_twice": _same_block_twice,
    "same_id": lambda events: _calls(events, id="toolu_same"),
    "fixed_id": lambda events: _calls(events, id=FIXED_ID),
    "dotted_name": lambda events: _calls(events, name="functions.bash"),
    "no_name": lambda events: _calls(events, name=""),
    "input_text": lambda events: _inputs(events, json.dumps),
    "input_list": lambda events: _inputs(events, lambda written: f"[{written}]"),
    "input_broken": lambda events: _inputs(events, lambda written: f'{written[:-1]} "more" "and more"}}'),
    "input_cut": lambda events: _inputs(events, lambda written: written[:-1]),
    "half_character": lambda events: _inputs(events, lambda written: f'{written[:-2]}\\ud800"}}'),
    "end_turn_with_calls": lambda events: _ended(events, "end_turn"),
    "stop_sequence_with_calls": lambda events: _ended(events, "stop_sequence"),
    "newer_event": lambda events: [part for event in events for part in (event, NEWER)],
    "newer_first_event": lambda events: [NEWER, *events],
    "newer_block": lambda events: _with_block(events, {"type": "newer_block", "newer": 1}),
    "newer_delta": _newer_delta,
    "no_usage": lambda events: _usage(events, _without_usage),
    "null_usage": lambda events: _usage(events, lambda holder: {**holder, "usage": None}),
    "odd_usage": lambda events: _usage(events, lambda holder: {**holder, "usage": ODD_USAGE}),
    "usage_not_adding_up": lambda events: _usage(
        events, lambda holder: {**holder, "usage": {**holder["usage"], "cache_creation_input_tokens": 0}}
    ),
    "no_message_stop": lambda events: [event for event in events if event["type"] != "message_stop"],
    "stop_without_reason": lambda events: _ended(events, None),
    "not_json": lambda events: _after_start(events, {"type": "not_json"}),
    "no_block_stop": lambda events: [event for event in events if event["type"] != "content_block_stop"],
    "calls_before_thinking": _calls_first,
    "split_character": _split_character,
    "summary_empty": _without_blocks,
    "summary_cut": lambda events: _ended(events, "max_tokens"),
    "summary_refused": lambda events: _ended(_without_blocks(events), "refusal"),
    "summary_calls": lambda events: _ended(
        _with_block(
            _without_blocks(events),
            {"type": "tool_use", "id": "toolu_summary", "name": "bash", "input": {"command": "true"}},
        ),
        "tool_use",
    ),
    "summary_ended": lambda events: _ended(
        _with_block(_without_blocks(events), {"type": "text", "text": "So far we have built it."}), "end_turn"
    ),
    "summary_blank": lambda events: [
        {**event, "delta": {**event["delta"], "content": " "}}
        if event["type"] == "content_block_delta"
        else event
        for event in events
    ],
}
