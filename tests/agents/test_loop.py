"""The loop with strict doubles: each raises when its script runs out."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents.guards import Guards
from agents.loop import Loop
from agents.odd_turns import PATIENCE, Oddity
from agents.stops import CapReached, ContextFull, ModelDeclined, TooLongAnswers, TurnEnded
from agents.turns import Block, Replay, ToolCall, ToolResult, Turn, text_block


def use(name: str, call_id: str = "t1", **inputs: Any) -> Block:
    return {"type": "tool_use", "id": call_id, "name": name, "input": inputs}


def turn(*content: Block, stop_reason: str = "tool_use") -> Turn:
    return Turn([*content], stop_reason)


SUMMARY = turn({"type": "compaction", "content": "so far"}, stop_reason="compaction")
NO_SUMMARY = turn(text_block("So far."), stop_reason="end_turn")


class ScriptedModel:
    """Answers with these turns; an exception among them is raised."""

    def __init__(self, *turns: Turn | Exception) -> None:
        self._turns = list(turns)
        self.summaries: list[Turn | Exception] = []

    async def answer(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return self._next(self._turns)

    async def sum_up(self, messages: list[dict[str, Any]], max_tokens: int) -> Turn:
        return self._next(self.summaries)

    def _next(self, script: list[Turn | Exception]) -> Turn:
        following = script.pop(0)
        if isinstance(following, Exception):
            raise following
        return following


class RecordingToolbox:
    def __init__(self) -> None:
        self.ran: list[str] = []

    def label(self, call: ToolCall) -> str:
        return call.name

    def replay(self, name: str) -> Replay:
        return Replay.REPORT if name in ("bash", "edit_file") else Replay.RUN_AGAIN

    async def run(self, call: ToolCall) -> ToolResult:
        self.ran.append(call.id)
        return ToolResult(call=call, label=call.name, content=[text_block("ok")])


class RecordingStore:
    max_tokens = 1000
    is_full = False
    answered_at: tuple[int, ...] = ()  # numbers of the saves that bring an answer of the founder

    def __init__(self, open_turn: Turn | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.open_turn = open_turn
        self.saved: list[tuple[Any, ...]] = []

    async def save_turn(self, turn: Turn, labels: dict[str, str]) -> None:
        self.saved.append(("turn", turn.stop_reason))

    async def save_results(self, results: Sequence[ToolResult], notes: Sequence[Block] = ()) -> bool:
        self.saved.append(
            ("results", [(result.call.id, result.error_type) for result in results], len(notes))
        )
        return len(self.saved) in self.answered_at

    async def save_summary(self, turn: Turn) -> None:
        self.is_full = False
        self.saved.append(("summary", turn.stop_reason))

    async def forgo_summary(self) -> None:
        self.saved.append(("no summary",))

    async def begin_afresh(self) -> None:
        self.saved.append(("afresh",))


class RecordedLoop(Loop):
    """A loop whose doubles can be asked what they saw."""

    model: ScriptedModel
    toolbox: RecordingToolbox
    store: RecordingStore


def make_loop(*turns: Turn | Exception, store: RecordingStore | None = None, cap: int = 150) -> RecordedLoop:
    return RecordedLoop(ScriptedModel(*turns), RecordingToolbox(), store or RecordingStore(), Guards(cap))


async def test_a_step_saves_the_turn_before_the_results() -> None:
    loop = make_loop(turn(use("bash")), turn(text_block("Done."), stop_reason="end_turn"))
    with pytest.raises(TurnEnded):
        await loop.run()
    assert loop.store.saved == [
        ("turn", "tool_use"),
        ("results", [("t1", "")], 0),
        ("turn", "end_turn"),
    ]


async def test_tools_run_only_when_the_model_stopped_for_them() -> None:
    loop = make_loop(turn(use("bash"), stop_reason="max_tokens"))
    await loop.step()
    assert loop.toolbox.ran == []
    assert loop.store.saved[1] == ("results", [("t1", "cut")], 1)


ODD = {
    Oddity.CUT: turn(text_block("So"), stop_reason="max_tokens"),
    Oddity.DECLINED: turn(stop_reason="refusal"),
    Oddity.EMPTY: turn(stop_reason="end_turn"),
    Oddity.NOT_RUN: turn(use("bash"), stop_reason="end_turn"),
    Oddity.PAUSED: turn(text_block("…"), stop_reason="pause_turn"),
    Oddity.FULL: turn(text_block("So"), stop_reason="model_context_window_exceeded"),
}
STOPS = {Oddity.CUT: TooLongAnswers, Oddity.DECLINED: ModelDeclined, Oddity.FULL: ContextFull}


@pytest.mark.parametrize("oddity", Oddity)
async def test_an_odd_turn_is_followed_by_a_note_and_often_in_a_row_stops_the_run(oddity: Oddity) -> None:
    told = PATIENCE[oddity]
    loop = make_loop(*[ODD[oddity]] * (told + 1))
    loop.model.summaries = [SUMMARY] * told
    for _ in range(told):
        await loop.step()
    assert [saved[2] for saved in loop.store.saved if saved[0] == "results"] == [1] * told
    with pytest.raises(STOPS.get(oddity, TurnEnded)):
        await loop.step()
    assert loop.toolbox.ran == []


async def test_a_turn_in_between_restores_the_patience() -> None:
    odd = ODD[Oddity.DECLINED]
    loop = make_loop(odd, turn(use("bash", "t1")), odd, turn(use("bash", "t2")), odd, odd)
    with pytest.raises(ModelDeclined):
        await loop.run()
    assert loop.toolbox.ran == ["t1", "t2"]


async def test_a_call_without_a_readable_input_is_answered_also_on_resume() -> None:
    store = RecordingStore(turn(use("bash", "b", unreadable_input="{")))
    loop = make_loop(turn(text_block("Done."), stop_reason="end_turn"), store=store)
    with pytest.raises(TurnEnded):
        await loop.run()
    assert store.saved[0] == ("results", [("b", "")], 0)


async def test_what_is_no_summary_replaces_nothing_and_after_two_the_run_goes_on_without() -> None:
    loop = make_loop(turn(use("bash", "t1")), turn(use("bash", "t2")), turn(use("bash", "t3")))
    loop.store.is_full = True
    loop.model.summaries = [NO_SUMMARY, NO_SUMMARY]
    for _ in range(3):
        await loop.step()
    assert [saved[0] for saved in loop.store.saved].count("no summary") == 2
    assert loop.toolbox.ran == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ([SUMMARY], ["summary"]),
        ([ContextFull(), SUMMARY], ["summary"]),
        ([NO_SUMMARY, SUMMARY], ["no summary", "summary"]),
        ([ContextFull(), ContextFull()], ["afresh"]),
        ([NO_SUMMARY, NO_SUMMARY], ["no summary", "no summary", "afresh"]),
    ],
)
async def test_a_request_that_is_too_long_makes_room_and_is_sent_again(
    summaries: list[Turn | Exception], expected: list[str]
) -> None:
    loop = make_loop(ContextFull(), turn(use("bash")))
    loop.model.summaries = summaries
    await loop.step()
    assert [saved[0] for saved in loop.store.saved] == [*expected, "turn", "results"]


async def test_a_request_that_stays_too_long_stops_the_run() -> None:
    loop = make_loop(ContextFull(), ContextFull())
    loop.model.summaries = [SUMMARY]
    with pytest.raises(ContextFull):
        await loop.step()


async def test_on_resume_harmless_calls_run_again_and_others_are_reported() -> None:
    store = RecordingStore(turn(use("read_file", "r"), use("bash", "b"), use("edit_file", "e")))
    loop = make_loop(turn(text_block("Done."), stop_reason="end_turn"), store=store)
    with pytest.raises(TurnEnded):
        await loop.run()
    assert loop.toolbox.ran == ["r"]
    assert store.saved[0] == ("results", [("r", ""), ("b", "interrupted"), ("e", "interrupted")], 0)


async def test_on_resume_a_finished_turn_ends_the_run_without_another_call() -> None:
    store = RecordingStore(turn(text_block("Done."), stop_reason="end_turn"))
    with pytest.raises(TurnEnded):
        await make_loop(store=store).run()


async def test_a_full_transcript_is_summed_up_before_the_next_call() -> None:
    loop = make_loop(turn(use("bash")))
    loop.store.is_full = True
    loop.model.summaries = [SUMMARY]
    await loop.step()
    assert [saved[0] for saved in loop.store.saved] == ["summary", "turn", "results"]


def test_an_answer_that_was_cut_offers_no_calls() -> None:
    cut = turn(use("bash"), stop_reason="max_tokens")
    assert cut.calls == []
    assert cut.requested == [ToolCall("t1", "bash", {})]


async def test_an_answer_of_the_founder_begins_a_new_stretch_of_tool_calls() -> None:
    turns = [turn(use("bash", f"t{n}", command=f"step {n}")) for n in range(5)]
    store = RecordingStore()
    store.answered_at = (4,)  # with the second step's results
    with pytest.raises(CapReached):
        await make_loop(*turns, store=store, cap=3).run()
    assert [saved[0] for saved in store.saved].count("results") == 5
