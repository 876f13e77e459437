"""The messages of a request as the API sees them: a sequence of turns, each a list of blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rehearsal.engine import Result, UserTurn
from rehearsal.founder import NOTE
from rehearsal.state import Note

Block = dict[str, Any]


@dataclass(frozen=True)
class Placed:
    """A block and where it stands in the request (`messages.3.content.0`)."""

    path: str
    role: str
    block: Block


@dataclass(frozen=True)
class Turn:
    """Consecutive messages of one role, joined."""

    role: str
    blocks: tuple[Placed, ...]

    def of_type(self, *types: str) -> list[Placed]:
        return [placed for placed in self.blocks if placed.block["type"] in types]


def placed_blocks(messages: list[dict[str, Any]]) -> Iterator[Placed]:
    """Every block of well-formed messages; a string counts as one text block."""
    for n, message in enumerate(messages):
        for m, block in enumerate(as_blocks(message["content"])):
            yield Placed(f"messages.{n}.content.{m}", message["role"], block)


def as_blocks(content: Any) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def turns_of(messages: list[dict[str, Any]]) -> list[Turn]:
    """Join consecutive messages of the same role."""
    turns: list[Turn] = []
    for placed in placed_blocks(messages):
        if turns and turns[-1].role == placed.role:
            turns[-1] = Turn(placed.role, (*turns[-1].blocks, placed))
        else:
            turns.append(Turn(placed.role, (placed,)))
    return turns


def system_text(system: Any) -> str:
    return "\n".join(block.get("text", "") for block in as_blocks(system or []))


def user_turn(turns: list[Turn]) -> UserTurn:
    """What arrived since the model's last turn: the results of its calls, in call order, and the notes."""
    last = turns[-1] if turns and turns[-1].role == "user" else None
    if last is None:
        return UserTurn()
    before = turns[-2] if len(turns) > 1 else None
    names = {p.block["id"]: p.block["name"] for p in before.of_type("tool_use")} if before else {}
    answers = {p.block["tool_use_id"]: p.block for p in last.of_type("tool_result")}
    results = tuple(_result(names[call_id], answers[call_id]) for call_id in names if call_id in answers)
    notes = (NOTE.finditer(placed.block["text"]) for placed in last.of_type("text"))
    return UserTurn(results, tuple(Note(m["kind"], m["text"].strip()) for found in notes for m in found))


def _result(tool: str, block: Block) -> Result:
    texts = [part["text"] for part in as_blocks(block.get("content") or []) if part["type"] == "text"]
    return Result(tool, "\n".join(texts), bool(block.get("is_error")))
