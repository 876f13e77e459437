"""The prompt in the order in which it is cached: tools, system, messages, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rehearsal.anthropic_api.conversation import as_blocks, placed_blocks
from rehearsal.anthropic_api.tokens import block_tokens, json_text, text_tokens

MAX_CACHE_MARKS = 4
NO_MARK = ("thinking",)
TOOL_USE_TOKENS = 290
"""The system prompt that the API adds when there are tools."""


@dataclass(frozen=True)
class Segment:
    """One block: the cache compares `source` byte for byte; `ttl` ("1h", "5m") marks a breakpoint."""

    source: str
    tokens: int
    ttl: str | None = None
    markable: bool = True


def prompt_of(body: dict[str, Any]) -> list[Segment]:
    """The segments of a well-formed request; a top-level cache_control marks the last cacheable one."""
    segments = [*_tools(body.get("tools") or []), *_system(body.get("system")), *_messages(body)]
    ttl = _ttl(body)
    last = next((n for n in reversed(range(len(segments))) if segments[n].markable), None)
    if ttl and last is not None and segments[last].ttl is None:
        segments[last] = replace(segments[last], ttl=ttl)
    return segments


def prompt_tokens(body: dict[str, Any]) -> int:
    return sum(segment.tokens for segment in prompt_of(body))


def _tools(tools: list[dict[str, Any]]) -> Iterator[Segment]:
    for n, tool in enumerate(tools):
        source = _source(tool)
        yield Segment(source, text_tokens(source) + (0 if n else TOOL_USE_TOKENS), _ttl(tool))


def _system(system: Any) -> Iterator[Segment]:
    for block in as_blocks(system) if system else ():
        yield Segment(_source(block), block_tokens(block), _ttl(block))


def _messages(body: dict[str, Any]) -> Iterator[Segment]:
    """Settings that change how messages are read are part of their prefix."""
    settings = json_text([body.get("thinking"), body.get("tool_choice")])
    for placed in placed_blocks(body["messages"]):
        block = placed.block
        source = f"{settings}{placed.role}{_source(block)}"
        yield Segment(source, block_tokens(block), _ttl(block), markable=block["type"] not in NO_MARK)


def _source(block: dict[str, Any]) -> str:
    return json_text({key: value for key, value in block.items() if key != "cache_control"})


def _ttl(marked: dict[str, Any]) -> str | None:
    mark = marked.get("cache_control")
    return mark.get("ttl", "5m") if mark else None
