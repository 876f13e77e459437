"""The checkpoint as the loop sees it: the transcript in memory, each change saved before it is believed."""

from collections.abc import Callable, Sequence
from typing import Any

from agents import checkpoints
from agents.budget import Grant
from agents.checkpoints import Owner
from agents.database import unit
from agents.models import AgentMessage
from agents.transcript import append
from agents.turns import Block, ToolResult, Turn, Usage


class OutOfBudget(Exception):
    """The next call does not fit into the founder's day."""


class CheckpointStore:
    """`spent` tells what the call under way used over all its attempts."""

    def __init__(self, owner: Owner, rows: Sequence[AgentMessage], spent: Callable[[], Usage]) -> None:
        self.owner = owner
        self.messages: list[dict[str, Any]] = []
        self.open_turn: Turn | None = None
        self._spent = spent
        self._grant: Grant | None = None
        self._extend(rows)

    @property
    def max_tokens(self) -> int:
        return self._granted().max_tokens

    @property
    def is_empty(self) -> bool:
        return not self.messages

    async def begin(self, notes: Sequence[Block]) -> None:
        """Reserve the first call. A turn still open gets its results before any note."""
        self._follow(*await unit(checkpoints.begin, self.owner, [] if self.open_turn else notes))

    async def save_turn(self, turn: Turn, labels: dict[str, str]) -> None:
        row = await unit(checkpoints.save_turn, self.owner, self._granted(), turn, self._spent(), labels)
        self._grant = None
        self._extend([row])

    async def save_results(self, results: Sequence[ToolResult], notes: Sequence[Block] = ()) -> None:
        self._follow(*await unit(checkpoints.save_results, self.owner, results, notes))
        self._granted()

    async def take_news(self, notes: Sequence[Block] = ()) -> bool:
        """Whether there is something to go on with after the model ended its turn."""
        rows, grant = await unit(checkpoints.take_news, self.owner, notes)
        self._follow(rows, grant)
        return bool(rows)

    def _follow(self, rows: Sequence[AgentMessage], grant: Grant | None) -> None:
        self._extend(rows)
        self._grant = grant

    def _granted(self) -> Grant:
        if self._grant is None:
            raise OutOfBudget
        return self._grant

    def _extend(self, rows: Sequence[AgentMessage]) -> None:
        for row in rows:
            append(self.messages, row.role, row.content)
            answered = row.role != AgentMessage.Role.ASSISTANT
            self.open_turn = None if answered else Turn(row.content, row.stop_reason)
