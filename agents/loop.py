"""The loop: think, act, observe, until a typed exception stops it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from agents.guards import Guards
from agents.odd_turns import OddTurns
from agents.results import within_limits
from agents.stops import ContextFull, TurnEnded
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn, failed_result, without_pictures


class Model(Protocol):
    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn: ...
    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn: ...


class Toolbox(Protocol):
    def label(self, call: ToolCall) -> str: ...
    def replay(self, name: str) -> Replay: ...
    async def run(self, call: ToolCall) -> ToolResult: ...


class Store(Protocol):
    """The checkpoint store. Each `save_` method is one transaction; if it fails, the run stops.

    `messages` is the transcript as the API requires it, `max_tokens` what the budget grants the next call,
    `open_turn` the model's last turn if its results are not saved yet, and `is_full` whether the transcript
    must be summarised before the next call.
    """

    @property
    def messages(self) -> list[dict[str, Any]]: ...
    @property
    def open_turn(self) -> Turn | None: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def is_full(self) -> bool: ...

    async def save_turn(self, turn: Turn, labels: dict[str, str]) -> None: ...
    async def save_results(self, results: Sequence[ToolResult], notes: Sequence[Block] = ()) -> bool: ...
    async def save_summary(self, turn: Turn) -> None: ...
    async def forgo_summary(self) -> None: ...
    async def begin_afresh(self) -> None: ...


MOST_MISSED = 2  # summaries that were none, before the run goes on without


class Loop:
    def __init__(self, model: Model, toolbox: Toolbox, store: Store, guards: Guards) -> None:
        self.model = model
        self.toolbox = toolbox
        self.store = store
        self.guards = guards
        self.odd_turns = OddTurns()
        self.missed = 0  # summaries, in a row

    async def run(self) -> None:
        """Continue the transcript from where it ends. Never returns: raises the exception that stopped it."""
        await self.finish_last_step()
        while True:
            await self.step()

    async def step(self) -> None:
        turn = await self.think()
        await self.observe(turn, await self.act(turn))

    async def think(self) -> Turn:
        if self.store.is_full and self.missed < MOST_MISSED:
            with suppress(ContextFull):  # then the next call makes room
                await self.sum_up()
        turn = await self.answer()
        await self.store.save_turn(turn, {call.id: self.toolbox.label(call) for call in turn.calls})
        return turn

    async def answer(self) -> Turn:
        try:
            return await self.model.answer(self.store.messages, self.store.max_tokens)
        except ContextFull:
            await self.make_room()
            return await self.model.answer(self.store.messages, self.store.max_tokens)

    async def sum_up(self, *, pictures: bool = True) -> bool:
        """Replace the messages with a summary; the stored transcript is kept. False if there was none."""
        messages = self.store.messages if pictures else without_pictures(self.store.messages)
        turn = await self.model.sum_up(messages, self.store.max_tokens)
        self.missed = 0 if turn.is_summary else self.missed + 1
        await (self.store.save_summary(turn) if turn.is_summary else self.store.forgo_summary())
        return turn.is_summary

    async def make_room(self) -> None:
        """The conversation is too long: a summary, one without the pictures, at last a fresh start."""
        for pictures in (True, False):
            with suppress(ContextFull):
                if await self.sum_up(pictures=pictures):
                    return
        await self.store.begin_afresh()

    async def act(self, turn: Turn) -> list[ToolResult]:
        return [await self.toolbox.run(call) for call in turn.calls] or _unanswerable(turn)

    async def observe(self, turn: Turn, results: Sequence[ToolResult]) -> None:
        notes = self.odd_turns.notes_on(turn) + self.guards.notes_on(turn.calls)
        if (results or notes) and await self.store.save_results(within_limits(results), notes):
            self.guards.begin_anew()
        self.odd_turns.check()
        self.guards.check()
        if self.odd_turns.is_full:
            await self.make_room()
        if not results and not notes:
            raise TurnEnded(turn.text)

    async def finish_last_step(self) -> None:
        """Answer tool calls whose results were never saved: repeat the harmless ones, report the others."""
        turn = self.store.open_turn
        if turn is not None:
            results = [await self.resume(call) for call in turn.calls]
            await self.observe(turn, results or _unanswerable(turn))

    async def resume(self, call: ToolCall) -> ToolResult:
        if call.is_unreadable or self.toolbox.replay(call.name) == Replay.RUN_AGAIN:
            return await self.toolbox.run(call)
        return failed_result(call, self.toolbox.label(call), "interrupted", INTERRUPTED)


INTERRUPTED = (
    "This was interrupted before its result was saved. It may or may not have run, or have run in part. "
    "Check what is there before you repeat it."
)
NOT_RUN = "This was not run: the answer it belongs to ended before its tool calls."


def _unanswerable(turn: Turn) -> list[ToolResult]:
    """Results for calls that are not run because the turn ended early: the API requires one for each call."""
    if turn.stop_reason == "tool_use":
        return []
    return [failed_result(call, call.name, "cut", NOT_RUN) for call in turn.requested]
