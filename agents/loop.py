"""The loop: think, act, observe, until something typed stops it."""

from collections.abc import Sequence
from typing import Any, Protocol

from agents.errors import AgentError
from agents.guards import Guards
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn, failed, note


class TurnEnded(Exception):
    """The model ended its turn: it is done, winding down, or waiting for an answer."""


class ModelDeclined(AgentError):
    """The model declined to go on with this build."""


class ContextFull(AgentError):
    """The build's conversation no longer fits into the model's context."""


class Model(Protocol):
    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn: ...
    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn: ...


class Toolbox(Protocol):
    def label(self, call: ToolCall) -> str: ...
    def replay(self, name: str) -> Replay: ...
    async def run(self, call: ToolCall) -> ToolResult: ...


class Store(Protocol):
    """The checkpoint. Each `save_` is one transaction that either holds entirely or stops the run.

    `messages` is the transcript as the API wants it, `max_tokens` what the budget has granted the next call,
    `open_turn` the model's last turn when nothing follows it yet, `is_full` whether the transcript has grown
    so large that it is to be summed up before the next call.
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
        """Take up the transcript where it stands and go on; returns never, but raises what stopped it."""
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
        """Put a summary in the place of the transcript, which stays stored as it is."""
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
        """Answer the tool calls whose results were never saved: repeat what is harmless, report the rest."""
        turn = self.store.open_turn
        if turn is not None:
            results = [await self.resume(call) for call in turn.calls]
            await self.observe(turn, results or _unanswerable(turn))

    async def resume(self, call: ToolCall) -> ToolResult:
        if self.toolbox.replay(call.name) == Replay.RUN_AGAIN:
            return await self.toolbox.run(call)
        return failed(call, self.toolbox.label(call), "interrupted", INTERRUPTED)


CUT = (
    "Your answer was longer than one answer may be and was cut; none of its tool calls was run. "
    "Go on in smaller steps."
)
INTERRUPTED = (
    "This was interrupted before its result was saved. It may or may not have run, or have run in part. "
    "Check what is there before you repeat it."
)


def _unanswerable(turn: Turn) -> list[ToolResult]:
    """Results for calls of a turn that did not stop for them: the API wants every call answered."""
    if turn.stop_reason == "tool_use":
        return []
    return [failed(call, call.name, "cut", CUT) for call in turn.requested]
