"""The results of one step together: they share a limit, so that many do not fill the conversation."""

from collections.abc import Sequence
from dataclasses import replace

from agents.output import cut_to_bytes
from agents.turns import PICTURES, Block, ToolResult, text_block

MOST_BYTES = 120_000  # of the texts of one step
LEAST_BYTES = 500  # of one text, however many there are
MOST_PICTURES = 10
LEFT_OUT = "[This picture is left out: a step may have ten. Take fewer at a time.]"  # or page of a document


def within_limits(results: Sequence[ToolResult]) -> list[ToolResult]:
    """The results, the longest of them cut so that all together keep to the limit."""
    texts = [block["text"] for result in results for block in result.content if block["type"] == "text"]
    share = fair_share([len(text.encode()) for text in texts], MOST_BYTES)
    pictures = 0
    fitting = []
    for result in results:
        content = []
        for block in result.content:
            pictures += block["type"] in PICTURES
            content.append(_within(block, share, pictures))
        fitting.append(result if content == result.content else replace(result, content=content))
    return fitting


def _within(block: Block, share: int, pictures: int) -> Block:
    if block["type"] in PICTURES:
        return block if pictures <= MOST_PICTURES else text_block(LEFT_OUT)
    if block["type"] != "text" or len(block["text"].encode()) <= share:
        return block
    return {**block, "text": cut_to_bytes(block["text"], share)}


def fair_share(sizes: Sequence[int], limit: int) -> int:
    """How large each may be at the most: the small ones leave what they do not need to the others."""
    left = limit
    for position, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - position)
        if size > share:
            return max(share, LEAST_BYTES)
        left -= size
    return max(limit, LEAST_BYTES)
