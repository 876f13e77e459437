"""The values the loop passes around: a model's turn, its tool calls, their results and effects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agents.tool_effects import Effect
from agents.usage import Usage

Block = dict[str, Any]  # a content block of the Messages API
EXCERPT_LIMIT = 4096  # bytes of an output, or characters of a thought, that the feed shows at most


class Replay(StrEnum):
    """What to do on resume with a call whose result was never saved."""

    RUN_AGAIN = "run_again"  # harmless to repeat
    REPORT = "report"  # may have had an effect: its result becomes "interrupted"


THINKING = frozenset({"thinking", "redacted_thinking"})
PICTURES = frozenset({"image", "document"})  # a document is one page, shown as it looks
COMPACTION = "compaction"  # the stop reason of a turn that only summarises the conversation


UNREADABLE = "unreadable_input"  # the only key of an input that is not the JSON object it should be


@dataclass(frozen=True)
class ToolCall:
    """A `tool_use` block."""

    id: str
    name: str
    input: dict[str, Any]

    @property
    def is_unreadable(self) -> bool:
        """Whether the model's input could not be read, so that the call must not be run."""
        return UNREADABLE in self.input


@dataclass(frozen=True)
class Turn:
    """What the model answered, as `agents.llm.acceptable` keeps it. One without content is not sent back."""

    content: list[Block]
    stop_reason: str
    usage: Usage = field(default_factory=Usage)

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls to run: none unless the model stopped for them."""
        return self.requested if self.stop_reason == "tool_use" else []

    @property
    def requested(self) -> list[ToolCall]:
        """Every tool call in the answer, including those of an answer that was cut off."""
        return [
            ToolCall(block["id"], block["name"], block["input"])
            for block in self.content
            if block["type"] == "tool_use"
        ]

    @property
    def is_summary(self) -> bool:
        """Whether the turn can take the place of the conversation before it."""
        return self.stop_reason == COMPACTION and bool(self.content)

    @property
    def text(self) -> str:
        return "\n\n".join(block["text"] for block in self.content if block["type"] == "text")

    @property
    def thinking(self) -> str:
        parts = (block.get("thinking", "") for block in self.content if block["type"] == "thinking")
        return "\n\n".join(part for part in parts if part)


class ToolFailure(Exception):
    """A tool did not do what was asked. `error_type` is the kind of failure; the message is for the model."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass(frozen=True)
class ToolResult:
    """The result of one call: for the model, for the founder's feed, and for the database."""

    call: ToolCall
    label: str  # "Wrote 47 lines to app/login.py"
    content: list[Block]  # text, image and document blocks for the model
    is_error: bool = False
    error_type: str = ""
    excerpt: str = ""  # at most 4 KB of the output, for the feed
    exit_code: int | None = None
    duration_ms: int = 0
    image: str = ""  # the storage name of a screenshot
    diff: str = ""  # a unified diff, at most 4 KB
    changed_files: bool = False
    effects: tuple[Effect, ...] = field(default=())  # written in the transaction that saves this result

    def block(self) -> Block:
        """The `tool_result` block of the next user message."""
        block: Block = {"type": "tool_result", "tool_use_id": self.call.id, "content": self.content}
        if self.is_error:
            block["is_error"] = True
        return block


def failed_result(call: ToolCall, label: str, error_type: str, message: str) -> ToolResult:
    """The result of a call that failed."""
    return ToolResult(
        call=call,
        label=label,
        content=[text_block(message)],
        is_error=True,
        error_type=error_type,
        excerpt=message[:EXCERPT_LIMIT],
    )


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def note(kind: str, text: str) -> Block:
    """A note: a text block from us to the model, other than a tool result."""
    return text_block(f'<note kind="{kind}">\n{text}\n</note>')


def without_pictures(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages for a summary, with words in place of each picture, and without thinking.

    Thinking is bound to what comes before it, and is refused where that has changed.
    """
    return [
        {"role": message["role"], "content": content}
        for message in messages
        if (
            content := [
                block for block in map(_in_words, message["content"]) if block["type"] not in THINKING
            ]
        )
    ]


def _in_words(block: Block) -> Block:
    if block["type"] in PICTURES:
        return text_block("[a picture]")
    if block["type"] == "tool_result":
        return {**block, "content": [_in_words(part) for part in block["content"]]}
    return block
