"""The checkpoint as the loop sees it: the transcript in memory; every change is saved first."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from agents.budget import ledger
from agents.budget.allowance import LONG_MAX_TOKENS, USUAL_MAX_TOKENS
from agents.budget.ledger import Grant
from agents.checkpoint import fast_path, step
from agents.checkpoint.expected import Expected
from agents.checkpoint.step import NextCall
from agents.checkpoint.transcript import append
from agents.database import in_thread, in_transaction
from agents.models import AgentMessage
from agents.session.claim import Claim
from agents.stops import OutOfBudget, PauseRequested
from agents.turns import Block, ToolResult, Turn
from agents.usage import Usage
from jobs.database_away import AWAY

log = structlog.get_logger(__name__)

CUTS_BEFORE_LONG = 2  # answers cut off in a row, before the next may be longer
PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between attempts to bill while the database is unreachable


async def without_notes() -> str:
    """The notes of an agent that keeps none."""
    return ""


class CheckpointStore:
    """`spent` tells what the current attempt at a call has used; `between` runs after each save and may stop
    the loop; `own_notes` are the agent's, which come back after a summary."""

    def __init__(
        self,
        claim: Claim,
        rows: Sequence[AgentMessage],
        spent: Callable[[], Usage],
        between: Callable[[], None],
        own_notes: Callable[[], Awaitable[str]] = without_notes,
    ) -> None:
        self.claim = claim
        self.messages: list[dict[str, Any]] = []
        self.open_turn: Turn | None = None
        self._spent = spent
        self._between = between
        self._own_notes = own_notes
        self._grant: Grant | None = None
        self._standing: Expected | None = None
        self._held: list[Block] = []  # notes that wait for the results of open calls
        self.context_tokens = 0
        self.context_limit = 0
        self._length = 0
        self._cuts = 0  # answers in a row that were cut off
        self._extend(rows)

    @property
    def is_empty(self) -> bool:
        return not self.messages

    @property
    def length(self) -> int:
        """Grows with the transcript."""
        return self._length

    @property
    def max_tokens(self) -> int:
        return self._granted().max_tokens

    def _granted(self) -> Grant:
        if self._grant is None:
            raise OutOfBudget(is_overdrawn=False)
        return self._grant

    async def begin(self, notes: Sequence[Block]) -> None:
        """Reserve the first call. Calls still open get their results before any note."""
        if self.open_turn is not None and self.open_turn.requested:
            self._held, notes = list(notes), []
        self._follow(await in_transaction(step.begin, self.claim, notes))

    async def save_turn(self, turn: Turn, labels: dict[str, str]) -> None:
        try:
            row, self._standing = await in_thread(
                fast_path.save_turn, self.claim, self._standing, self._granted(), turn, self._spent(), labels
            )
        except BaseException:
            await self.bill()
            raise
        self._grant = None
        self._extend([row])
        self._between()

    async def save_results(self, results: Sequence[ToolResult], notes: Sequence[Block] = ()) -> bool:
        """Whether the founder's answer to a question came with them."""
        notes, self._held = [*notes, *self._held], []
        standing = self._standing if self._grant is None else None  # an open call is released first
        most = LONG_MAX_TOKENS if self._cuts >= CUTS_BEFORE_LONG else USUAL_MAX_TOKENS
        following = await in_thread(fast_path.save_results, self.claim, standing, results, notes, most)
        self._follow(following)
        self._between()
        return following.has_answers

    async def next_attempt(self, used: Usage) -> int:
        """Settle what a failed attempt used and reserve the next one; returns its `max_tokens`.

        Raises `OutOfBudget` when it does not fit.
        """
        failed = self._granted()
        self._grant = await in_transaction(step.next_attempt, self.claim, failed, used)
        self._standing = None  # the day is no longer as the last durable point left it
        return self.max_tokens

    async def bill(self) -> None:
        """Settle the current attempt although there is no answer to save: what it used has to be paid."""
        if self._grant is None:
            return  # nothing is reserved: the last attempt is settled, and there was no next one
        entry_id, spent = self._grant.entry_id, self._spent()
        for pause in PATIENCE if spent != Usage() else ():
            try:
                await in_transaction(ledger.settle_late, entry_id, spent)
                break
            except AWAY:
                log.warning("spend.not_billed", entry_id=str(entry_id), usage=spent)
                await asyncio.sleep(pause)

    @property
    def is_full(self) -> bool:
        return self.context_tokens > self.context_limit

    async def save_summary(self, turn: Turn) -> None:
        """Go on from the summary alone."""
        try:
            own_notes = await self._own_notes()
            following = await in_transaction(
                step.save_summary, self.claim, self._granted(), turn, self._spent(), own_notes
            )
        except BaseException:
            await self.bill()
            raise
        self.messages = []
        self._follow(following)
        self._between()

    async def forgo_summary(self) -> None:
        """Go on with the whole transcript: the answer was no summary. It has cost money all the same."""
        await self.bill()
        self._follow(await in_transaction(step.go_on_without_summary, self.claim))
        self._between()

    async def begin_afresh(self) -> None:
        """Leave the conversation so far out of what the model is sent; only notes about the work remain."""
        following = await in_transaction(step.begin_afresh, self.claim, await self._own_notes())
        self.messages, self._cuts = [], 0
        self._follow(following)
        self._between()

    async def take_news(self, notes: Sequence[Block] = ()) -> bool:
        """Whether there is something new for the model after it ended its turn."""
        following = await in_transaction(step.take_news, self.claim, notes)
        if following is not None:
            self._follow(following)
        return following is not None

    def append_rows(self, rows: Sequence[AgentMessage]) -> None:
        """Add rows that were saved elsewhere to the transcript in memory."""
        self._extend(rows)

    def _follow(self, following: NextCall) -> None:
        self._extend(following.rows)
        self.context_tokens, self.context_limit = following.context_tokens, following.context_limit
        self._grant, self._standing = following.grant, following.standing
        if following.pause:
            raise PauseRequested(following.pause)
        if following.grant is None:
            raise OutOfBudget(is_overdrawn=following.is_overdrawn)

    def _extend(self, rows: Sequence[AgentMessage]) -> None:
        for row in rows:
            append(self.messages, row.role, row.content)
            self._length = row.position
            if row.role == AgentMessage.Role.ASSISTANT:
                self.open_turn = Turn(row.content, row.stop_reason)
                self._cuts = self._cuts + 1 if row.stop_reason == "max_tokens" else 0
            elif not (self.open_turn and self.open_turn.requested) or _has_results(row):
                self.open_turn = None


def _has_results(row: AgentMessage) -> bool:
    return any(block["type"] == "tool_result" for block in row.content)
