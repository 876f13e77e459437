"""A model, a toolbox and a store for the loop that measure how long those they wrap take."""

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeVar

from prometheus_client import Histogram

from agents.loop import Model, Store, Toolbox
from agents.metrics import CHECKPOINT, MODEL, TOOLS
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn

T = TypeVar("T")


@contextmanager
def _measured(part: Histogram) -> Iterator[None]:
    """Also what ends in an exception took its time."""
    began = perf_counter()
    try:
        yield
    finally:
        part.observe(perf_counter() - began)


async def _timed(part: Histogram, work: Awaitable[T]) -> T:
    with _measured(part):
        return await work


class MeasuredModel:
    def __init__(self, model: Model) -> None:
        self._model = model

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return await _timed(MODEL, self._model.answer(messages, max_tokens))

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return await _timed(MODEL, self._model.sum_up(messages, max_tokens))


class MeasuredToolbox:
    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def label(self, call: ToolCall) -> str:
        return self._toolbox.label(call)

    def replay(self, name: str) -> Replay:
        return self._toolbox.replay(name)

    async def run(self, call: ToolCall) -> ToolResult:
        return await _timed(TOOLS, self._toolbox.run(call))


class MeasuredStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self._store.messages

    @property
    def open_turn(self) -> Turn | None:
        return self._store.open_turn

    @property
    def max_tokens(self) -> int:
        return self._store.max_tokens

    @property
    def is_full(self) -> bool:
        return self._store.is_full

    async def save_turn(self, turn: Turn, labels: dict[str, str]) -> None:
        await _timed(CHECKPOINT, self._store.save_turn(turn, labels))

    async def save_results(self, results: Sequence[ToolResult], notes: Sequence[Block] = ()) -> bool:
        return await _timed(CHECKPOINT, self._store.save_results(results, notes))

    async def save_summary(self, turn: Turn) -> None:
        await _timed(CHECKPOINT, self._store.save_summary(turn))

    async def forgo_summary(self) -> None:
        await _timed(CHECKPOINT, self._store.forgo_summary())

    async def begin_afresh(self) -> None:
        await _timed(CHECKPOINT, self._store.begin_afresh())
