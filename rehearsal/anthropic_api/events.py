"""An answer as events of the streaming API, or as one JSON message."""

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.anthropic_api.catalogue import Model
from rehearsal.anthropic_api.reply import Reply
from rehearsal.anthropic_api.tokens import json_text
from rehearsal.anthropic_api.usage import NOTHING, Usage, iteration, message_usage

MAX_CHUNKS = 40
MIN_CHUNK = 24
"""Characters: shorter pieces would only cost."""

Event = dict[str, Any]


def encode(event: Event) -> bytes:
    if event["type"] == "not_json":
        return b"event: content_block_delta\ndata: {not json\n\n"
    return f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def final_usage(reply: Reply, usage: Usage, model: Model, *, beta: bool) -> dict[str, Any]:
    """The usage of the whole answer; a compaction's tokens appear only in its iteration."""
    top = NOTHING if reply.kind == "compaction" else usage
    iterations = {"iterations": [iteration(reply.kind, usage, model)]} if beta else {}
    return {**message_usage(top), **iterations}


def first_usage(reply: Reply, usage: Usage) -> Usage:
    """The usage in message_start: the whole input, and the first of the output."""
    return NOTHING if reply.kind == "compaction" else Usage(usage.input, min(usage.output, 1))


def message_json(reply: Reply, usage: Usage, model: Model, *, beta: bool) -> dict[str, Any]:
    """The answer to a request without streaming; a tool call cut off by max_tokens is left out."""
    content = reply.content[:-1] if reply.cut_input is not None else reply.content
    return _message(reply, model, content, final_usage(reply, usage, model, beta=beta), reply.stop_reason)


def stream_events(reply: Reply, usage: Usage, model: Model, *, beta: bool) -> Iterator[Event]:
    """The events, in order."""
    start = message_usage(first_usage(reply, usage))
    yield {"type": "message_start", "message": _message(reply, model, [], start, None)}
    yield {"type": "ping"}
    for index, block in enumerate(reply.content):
        cut = reply.cut_input if index == len(reply.content) - 1 else None
        yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        for delta in _deltas(block, cut):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": reply.stop_reason, "stop_sequence": None, "stop_details": reply.stop_details}
    yield {"type": "message_delta", "delta": delta, "usage": final_usage(reply, usage, model, beta=beta)}
    yield {"type": "message_stop"}


def _message(
    reply: Reply, model: Model, content: list[dict[str, Any]], usage: dict[str, Any], stop_reason: str | None
) -> dict[str, Any]:
    return {
        "id": reply.id,
        "type": "message",
        "role": "assistant",
        "model": model.id,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": reply.stop_details if stop_reason else None,
        "usage": usage,
    }


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    """The block as it starts, before any delta."""
    empty: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
        "compaction": {"content": None},
    }
    return {**block, **empty[block["type"]]}


def _deltas(block: dict[str, Any], cut_input: str | None) -> Iterator[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in _pieces(block["text"]))
    elif kind == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif kind == "tool_use":
        written = json_text(block["input"]) if cut_input is None else cut_input
        yield {"type": "input_json_delta", "partial_json": ""}
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in _pieces(written))
    else:
        yield {"type": "compaction_delta", "content": block["content"], "encrypted_content": None}


def _pieces(text: str) -> Iterator[str]:
    size = max(MIN_CHUNK, -(-len(text) // MAX_CHUNKS))
    for start in range(0, len(text), size):
        yield text[start : start + size]
