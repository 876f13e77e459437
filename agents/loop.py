"""The loop: think, act, observe, until a typed exception stops it."""

from collections.abc import Sequence
from typing import Any, Protocol

from agents.guards import Guards
from agents.stops import ContextFull, ModelDeclined, TurnEnded
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn, failed_result, note


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


class Loop:
    def __init__(self, model: Model, toolbox: Toolbox, store: Store, guards: Guards) -> None:
        self.model = model
        self.toolbox = toolbox
        self.store = store
        self.guards = guards

    async def run(self) -> None:
        """Continue the transcript from where it ends. Never returns: raises the exception that stopped it."""
        await self.finish_last_step()
        while True:
            await self.step()

    async def step(self) -> None:
        turn = await self.think()
        await self.observe(turn, await self.act(turn))

    async def think(self) -> Turn:
        if self.store.is_full:
            await self.sum_up()
        turn = await self.model.answer(self.store.messages, self.store.max_tokens)
        await self.store.save_turn(turn, {call.id: self.toolbox.label(call) for call in turn.calls})
        return turn

    async def sum_up(self) -> None:
        """Replace the messages with a summary; the stored transcript is kept."""
        turn = await self.model.sum_up(self.store.messages, self.store.max_tokens)
        await self.store.save_summary(turn)

    async def act(self, turn: Turn) -> list[ToolResult]:
        return [await self.toolbox.run(call) for call in turn.calls] or _unanswerable(turn)

    async def observe(self, turn: Turn, results: Sequence[ToolResult]) -> None:
        if turn.stop_reason == "refusal":
            raise ModelDeclined
        if turn.stop_reason == "model_context_window_exceeded":
            raise ContextFull
        if turn.stop_reason == "max_tokens":
            await self.store.save_results(results, [note("cut", CUT)])
        elif results:
            if await self.store.save_results(results, self.guards.notes_on(turn.calls)):
                self.guards.begin_anew()
            self.guards.check()
        elif turn.stop_reason != "pause_turn":
            raise TurnEnded(turn.text)

    async def finish_last_step(self) -> None:
        """Answer tool calls whose results were never saved: repeat the harmless ones, report the others."""
        turn = self.store.open_turn
        if turn is not None:
            results = [await self.resume(call) for call in turn.calls]
            await self.observe(turn, results or _unanswerable(turn))

    async def resume(self, call: ToolCall) -> ToolResult:
        if self.toolbox.replay(call.name) == Replay.RUN_AGAIN:
            return await self.toolbox.run(call)
        return failed_result(call, self.toolbox.label(call), "interrupted", INTERRUPTED)


CUT = "Your answer was too long and was cut off; none of its tool calls was run. Go on in smaller steps."
INTERRUPTED = (
    "This was interrupted before its result was saved. It may or may not have run, or have run in part. "
    "Check what is there before you repeat it."
)


def _unanswerable(turn: Turn) -> list[ToolResult]:
    """Results for calls that are not run because the turn was cut off: the API requires one for each call."""
    if turn.stop_reason == "tool_use":
        return []
    return [failed_result(call, call.name, "cut", CUT) for call in turn.requested]
