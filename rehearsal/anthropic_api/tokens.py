"""Token counts by a fixed rule: about four characters a token, a fixed number for an image or a document."""

import json
from typing import Any

from rehearsal.anthropic_api.signing import read_signature

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

CHARS_PER_TOKEN = 4
IMAGE_TOKENS = 1_600
DOCUMENT_TOKENS = 3_000
BLOCK_TOKENS = 3
"""What marks the beginning and end of a block."""


def text_tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


def json_text(value: Any) -> str:
    return _encode(value)


def block_tokens(block: dict[str, Any]) -> int:
    """The tokens of one content block; a thinking block counts as it was billed when it was made."""
    kind = block["type"]
    if kind == "text":
        return BLOCK_TOKENS + text_tokens(block["text"])
    if kind == "image":
        return BLOCK_TOKENS + IMAGE_TOKENS
    if kind == "document":
        return BLOCK_TOKENS + DOCUMENT_TOKENS
    if kind == "thinking":
        return BLOCK_TOKENS + int((read_signature(block["signature"]) or {}).get("tokens", 0))
    if kind == "tool_use":
        return BLOCK_TOKENS + call_tokens(block["name"], block["input"])
    if kind == "tool_result":
        content = block.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return BLOCK_TOKENS + sum(block_tokens(part) for part in parts)
    return BLOCK_TOKENS + text_tokens(block.get("content") or "")


def call_tokens(name: str, tool_input: Any) -> int:
    return text_tokens(name) + text_tokens(json_text(tool_input))
