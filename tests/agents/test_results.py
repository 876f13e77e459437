"""The results of one step share a limit."""

from agents.results import LEAST_BYTES, MOST_BYTES, MOST_PICTURES, fair_share, within_limits
from agents.turns import Block, ToolCall, ToolResult, text_block

PICTURE: Block = {"type": "image", "source": {}}


def result(*content: Block) -> ToolResult:
    return ToolResult(ToolCall("t", "bash", {}), "Ran", [*content])


def size(results: list[ToolResult]) -> int:
    return sum(len(block["text"].encode()) for one in results for block in one.content if "text" in block)


def test_results_that_fit_stay_as_they_are() -> None:
    results = [result(text_block("short")), result(text_block("x" * 30_000), PICTURE)]
    assert within_limits(results) == results


def test_seventy_long_results_are_cut_alike() -> None:
    cut = within_limits([result(text_block("line\n" * 6_000)) for _ in range(70)])
    assert size(cut) <= MOST_BYTES
    assert len({size([one]) for one in cut}) == 1


def test_short_results_leave_their_room_to_the_long_ones() -> None:
    assert fair_share([10, 10, 1_000, 1_000], 1_020) == LEAST_BYTES
    short, long = within_limits([result(text_block("short")), result(text_block("x\n" * 100_000))])
    assert short.content == [text_block("short")]
    assert MOST_BYTES * 0.7 < size([long]) <= MOST_BYTES


def test_pictures_beyond_ten_are_left_out_with_a_word() -> None:
    kinds = [block["type"] for one in within_limits([result(PICTURE)] * 12) for block in one.content]
    assert kinds == ["image"] * MOST_PICTURES + ["text"] * 2
