"""Whether messages, blocks, tools and cache marks have the format the API requires."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.anthropic_api.problem import Problem

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
TOOL_KEYS = frozenset(
    [
        "name",
        "description",
        "input_schema",
        "cache_control",
        "strict",
        "type",
        "eager_input_streaming",
        "defer_loading",
        "allowed_callers",
        "input_examples",
    ]
)
BLOCK_KEYS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "citations"}),
    "image": frozenset({"source"}),
    "document": frozenset({"source", "title", "context", "citations"}),
    "tool_use": frozenset({"id", "name", "input", "caller", "toolset_name"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "compaction": frozenset({"content", "encrypted_content", "signature", "tool_changes"}),
}
ROLE_BLOCKS = {
    "user": frozenset({"text", "image", "document", "tool_result", "compaction"}),
    "assistant": frozenset({"text", "thinking", "redacted_thinking", "tool_use", "compaction"}),
}
RESULT_BLOCKS = frozenset({"text", "image", "document"})
IMAGE_MAGIC = {
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
MAX_IMAGE_BYTES = 5 * 1024 * 1024


def system_problems(system: Any) -> Iterator[Problem]:
    if isinstance(system, str) or system is None:
        return
    if not isinstance(system, list):
        yield Problem("system: Input should be a valid string or list")
        return
    for n, block in enumerate(system):
        yield from _block_problems(block, f"system.{n}", frozenset({"text"}))


def tools_problems(tools: Any) -> Iterator[Problem]:
    if not isinstance(tools, list):
        yield Problem("tools: Input should be a valid list")
        return
    for n, tool in enumerate(tools):
        yield from _tool_problems(tool, f"tools.{n}")
    names = [tool.get("name") for tool in tools if isinstance(tool, dict)]
    if len(set(map(str, names))) < len(names):
        yield Problem("tools: Tool names must be unique.")


def _tool_problems(tool: Any, path: str) -> Iterator[Problem]:
    if not isinstance(tool, dict):
        yield Problem(f"{path}: Input should be a valid dictionary")
        return
    yield from _extra(tool, TOOL_KEYS, path)
    if tool.get("type") not in (None, "custom"):
        yield Problem(f"{path}: the rehearsal has only custom tools, not {tool['type']!r}")
    if not isinstance(tool.get("name"), str) or not TOOL_NAME.fullmatch(tool["name"]):
        yield Problem(f"{path}.name: String should match pattern '^{TOOL_NAME.pattern}$'")
    schema = tool.get("input_schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield Problem(f"{path}.input_schema: Field required, a JSON schema with type 'object'")
    yield from cache_mark_problems(tool.get("cache_control"), path)


def messages_problems(messages: Any) -> Iterator[Problem]:
    """The format of each message alone; conversation_rules.py checks their order."""
    if not isinstance(messages, list):
        yield Problem("messages: Input should be a valid list")
        return
    if len(messages) > 100_000:
        yield Problem("messages: List should have at most 100000 items")
    for n, message in enumerate(messages):
        yield from _message_problems(message, f"messages.{n}")


def _message_problems(message: Any, path: str) -> Iterator[Problem]:
    if not isinstance(message, dict):
        yield Problem(f"{path}: Input should be a valid dictionary")
        return
    yield from _extra(message, frozenset({"role", "content"}), path)
    role, content = message.get("role"), message.get("content")
    if role not in ROLE_BLOCKS:
        yield Problem(f"{path}.role: Input should be 'user' or 'assistant'")
    elif isinstance(content, str):
        yield from _text_problems(content, path)
    elif not isinstance(content, list):
        yield Problem(f"{path}.content: Input should be a valid string or list")
    elif not content:
        yield Problem(f"{path}: all messages must have non-empty content")
    else:
        for n, block in enumerate(content):
            yield from _block_problems(block, f"{path}.content.{n}", ROLE_BLOCKS[role])


def _block_problems(block: Any, path: str, allowed: frozenset[str]) -> Iterator[Problem]:
    if not isinstance(block, dict):
        yield Problem(f"{path}: Input should be a valid dictionary")
        return
    kind = block.get("type")
    if kind not in allowed:
        tags = ", ".join(f"'{tag}'" for tag in sorted(allowed))
        yield Problem(f"{path}: Input tag '{kind}' does not match any of the expected tags: {tags}")
        return
    yield from _extra(block, BLOCK_KEYS[kind] | {"type", "cache_control"}, path)
    yield from cache_mark_problems(block.get("cache_control"), path)
    yield from _KIND_RULES[kind](block, path)


def _text_block(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(block.get("text"), str):
        yield Problem(f"{path}.text.text: Input should be a valid string")
    else:
        yield from _text_problems(block["text"], path)


def _text_problems(text: str, path: str) -> Iterator[Problem]:
    if not text:
        yield Problem(f"{path}: text content blocks must be non-empty")
    elif not text.strip():
        yield Problem(f"{path}: text content blocks must contain non-whitespace text")


def _tool_use(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(block.get("id"), str) or not TOOL_NAME.fullmatch(block["id"]):
        yield Problem(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(block.get("name"), str) or not TOOL_NAME.fullmatch(block["name"]):
        yield Problem(f"{path}.tool_use.name: String should match pattern '^{TOOL_NAME.pattern}$'")
    if not isinstance(block.get("input"), dict):
        yield Problem(f"{path}.tool_use.input: Input should be a valid dictionary")


def _tool_result(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(block.get("tool_use_id"), str):
        yield Problem(f"{path}.tool_result.tool_use_id: Field required")
    content = block.get("content")
    if not isinstance(block.get("is_error"), bool | None):
        yield Problem(f"{path}.tool_result.is_error: Input should be a valid boolean")
    if block.get("is_error") and not content:
        yield Problem(f"{path}.tool_result: content cannot be empty if `is_error` is true")
    if not isinstance(content, str | list | None):
        yield Problem(f"{path}.tool_result.content: Input should be a valid string or list")
    for n, part in enumerate(content if isinstance(content, list) else []):
        yield from _block_problems(
            part, f"{path}.tool_result.content.{n}", frozenset({"text", "image", "document"})
        )


def _thinking(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(block.get("thinking"), str):
        yield Problem(f"{path}.thinking.thinking: Field required")
    if not isinstance(block.get("signature"), str):
        yield Problem(f"{path}.thinking.signature: Field required")
    if block.get("cache_control"):
        yield Problem(f"{path}.thinking.cache_control: Extra inputs are not permitted")


def _redacted_thinking(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(block.get("data"), str) or not block["data"]:
        yield Problem(f"{path}.redacted_thinking.data: Field required")


def _compaction(block: dict[str, Any], path: str) -> Iterator[Problem]:
    if block.get("content") == "":
        yield Problem(f"{path}.compaction.content: empty string content is not allowed")
    elif not isinstance(block.get("content"), str | None):
        yield Problem(f"{path}.compaction.content: Input should be a valid string")


def _image(block: dict[str, Any], path: str) -> Iterator[Problem]:
    source = block.get("source")
    if (
        not isinstance(source, dict)
        or source.get("type") != "base64"
        or not isinstance(source.get("data"), str)
    ):
        yield Problem(f"{path}.image.source: the rehearsal takes images as base64 only")
        return
    media_type = source.get("media_type")
    try:
        data = base64.b64decode(source["data"], validate=True)
    except binascii.Error:
        yield Problem(f"{path}.image.source.base64: invalid base64 data")
        return
    if media_type not in IMAGE_MAGIC:
        yield Problem(
            f"{path}.image.source.base64.media_type: Input should be one of {', '.join(IMAGE_MAGIC)}"
        )
    elif not data.startswith(IMAGE_MAGIC[media_type]):
        yield Problem(f"{path}.image.source.base64: the image does not appear to be {media_type}")
    if len(data) > MAX_IMAGE_BYTES:
        yield Problem(f"{path}.image.source.base64: image exceeds 5 MB maximum: {len(data)} bytes")


def _document(block: dict[str, Any], path: str) -> Iterator[Problem]:
    source = block.get("source")
    if not isinstance(source, dict) or source.get("type") != "base64":
        yield Problem(f"{path}.document.source: the rehearsal takes documents as base64 only")
        return
    if source.get("media_type") != "application/pdf":
        yield Problem(f"{path}.document.source.base64.media_type: Input should be 'application/pdf'")
    try:
        data = base64.b64decode(str(source.get("data")), validate=True)
    except binascii.Error:
        yield Problem(f"{path}.document.source.base64: invalid base64 data")
        return
    if not data.startswith(b"%PDF-"):
        yield Problem(f"{path}.document.source.base64.data: The PDF specified was not valid.")


_KIND_RULES = {
    "text": _text_block,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "compaction": _compaction,
}


def cache_mark_problems(mark: Any, path: str) -> Iterator[Problem]:
    if mark is None:
        return
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral" or mark.keys() - {"type", "ttl"}:
        yield Problem(f"{path}.cache_control: Input should be {{'type': 'ephemeral', 'ttl'?: '5m' or '1h'}}")
    elif mark.get("ttl", "5m") not in ("5m", "1h"):
        yield Problem(f"{path}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")


def _extra(value: dict[str, Any], allowed: frozenset[str], path: str) -> Iterator[Problem]:
    for key in sorted(map(str, value.keys() - allowed)):
        yield Problem(f"{path}.{key}: Extra inputs are not permitted")
