"""What a worker measures: where the time of an iteration goes, how late agents wake.

The loop is given a model, a toolbox and a store that measure those they wrap. Seconds are real ones.
"""

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from typing import Any, TypeVar

from prometheus_client import Histogram

from agents.loop import Model, Store, Toolbox
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn
from jobs import clock, queue

T = TypeVar("T")

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
ITERATION = Histogram(
    "cofounder_iteration_seconds",
    "What an iteration spends on the model, a tool call, a checkpoint; and a run's wait in the queue.",
    ["part"],
    buckets=BUCKETS,
)
MODEL, TOOLS, CHECKPOINT, QUEUE = (
    ITERATION.labels(part) for part in ("model", "tools", "checkpoint", "queue")
)
WAKE_LATENESS = Histogram(
    "cofounder_wake_lateness_seconds", "How long after its time a sleeping agent was awake.", buckets=BUCKETS
)


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


def woke(wake_at: datetime | None) -> None:
    """A sleeper was claimed, whose time to wake was this moment of our clock."""
    if wake_at is not None:
        WAKE_LATENESS.observe(max(0.0, (clock.now() - wake_at).total_seconds() / clock.speed()))


def waited(run_id: int) -> None:
    """A run has begun: how long it has waited since it was due."""
    wait = queue.waited(run_id)
    if wait is not None:
        QUEUE.observe(max(0.0, wait.total_seconds()))
