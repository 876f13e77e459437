"""What the provider streams, put together from its events as plain JSON.

The SDK's own types are not used: it takes an event or a block that it does not know for the first member of a
union, and completes tool inputs whose JSON is broken.
"""

import json
from typing import Any

from agents.turns import Block

_GROWS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class Streamed:
    """The answer so far. What is not understood is left out."""

    def __init__(self) -> None:
        self.stop_reason: Any = None
        self.usage: dict[str, Any] = {}
        self._parts: list[_Part] = []
        self._open: dict[int, _Part] = {}

    def add(self, event: Any) -> None:
        event = _mapping(event)
        match event.get("type"):
            case "message_start":
                self._use(_mapping(event.get("message")).get("usage"))
            case "message_delta":
                self.stop_reason = _mapping(event.get("delta")).get("stop_reason") or self.stop_reason
                self._use(event.get("usage"))
            case "content_block_start" if isinstance(index := event.get("index"), int):
                self._open[index] = _Part(_mapping(event.get("content_block")))
                self._parts.append(self._open[index])
            case "content_block_delta" if isinstance(index := event.get("index"), int):
                if index in self._open:
                    self._open[index].grow(_mapping(event.get("delta")))

    @property
    def content(self) -> list[Block]:
        return [part.block() for part in self._parts]

    def _use(self, usage: Any) -> None:
        """Counts are running totals; one that is left out keeps its earlier value."""
        self.usage |= {name: value for name, value in _mapping(usage).items() if value is not None}


class _Part:
    """A content block while it grows."""

    def __init__(self, begun: Block) -> None:
        self._begun = begun
        self._pieces: dict[str, list[str]] = {}
        self._changes: Block = {}

    def grow(self, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind in _GROWS and isinstance(piece := delta.get(_GROWS[kind]), str):
            self._pieces.setdefault(_GROWS[kind], []).append(piece)
        elif kind in ("signature_delta", "compaction_delta"):
            self._changes |= {name: value for name, value in delta.items() if name != "type"}
        elif kind == "citations_delta":
            self._changes.setdefault("citations", []).append(delta.get("citation"))

    def block(self) -> Block:
        block = {**self._begun, **self._changes}
        for name in ("text", "thinking"):
            if name in self._pieces:
                first = block.get(name)
                block[name] = (first if isinstance(first, str) else "") + "".join(self._pieces[name])
        if written := "".join(self._pieces.get("partial_json", ())):
            block["input"] = _read(written)
        return block


def _read(written: str) -> Any:
    """A tool's input: the JSON object, or the text itself when it is anything else."""
    try:
        found = json.loads(whole_characters(written))
    except (ValueError, RecursionError):
        return written
    return found if isinstance(found, dict) else written


def whole_characters(text: str) -> str:
    """Join characters that were cut in two between two events; half a character alone is replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
