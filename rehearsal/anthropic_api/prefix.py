"""A digest of the conversation before each block; thinking blocks are bound to it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from rehearsal.anthropic_api.conversation import Block, Placed, as_blocks
from rehearsal.anthropic_api.signing import read_signature

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

START = hashlib.sha256(b"conversation").hexdigest()


def prefixes(blocks: Iterable[Placed]) -> Iterator[tuple[Placed, str]]:
    """Each block with the digest of what comes before it.

    A compaction block stands for the messages it summarises, so its digest is that of their end: blocks
    after a compaction stay valid whether or not those messages are still sent.
    """
    digest = START
    for placed in blocks:
        yield placed, digest
        digest = extend(digest, placed)


def end_of(blocks: Iterable[Placed]) -> str:
    """The digest of the whole conversation."""
    digest = START
    for placed in blocks:
        digest = extend(digest, placed)
    return digest


def extend(digest: str, placed: Placed) -> str:
    if placed.block["type"] == "compaction":
        payload = read_signature(placed.block.get("signature"))
        return str(payload["prefix"]) if payload else digest
    text = f"{digest}\n{placed.role}\n{_canonical(placed.block)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(block: Block) -> str:
    """Equal for blocks that mean the same: cache marks, nulls and `is_error: false` are left out."""
    plain: dict[str, Any] = {key: value for key, value in block.items() if value is not None}
    plain.pop("cache_control", None)
    if plain["type"] == "tool_result":
        plain["content"] = as_blocks(plain.get("content") or [])
        plain["is_error"] = bool(plain.get("is_error"))
    return _encode(plain)
