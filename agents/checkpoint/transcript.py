"""The transcript as the API requires it: roles alternate, and tool results come before notes."""

from typing import Any

from agents.turns import Block


def append(messages: list[dict[str, Any]], role: str, content: list[Block]) -> None:
    """Add one row to request messages, in place; consecutive rows of one role become one message.

    Only user rows can be consecutive; their tool results come first. A row without content, such as an answer
    of which nothing was kept, adds nothing.
    """
    if not content:
        return
    if messages and messages[-1]["role"] == role:
        joined = [*messages[-1]["content"], *content]
        joined.sort(
            key=lambda block: block["type"] != "tool_result"
        )  # a stable sort: otherwise the order stays
        messages[-1] = {"role": role, "content": joined}
    else:
        messages.append({"role": role, "content": list(content)})


def upper_bound(content: list[Block]) -> int:
    """An upper bound of the tokens these blocks add: half a token per byte, so many per image or page."""
    return sum(_bound(block) for block in content)


IMAGE_TOKENS = 2_000
PAGE_TOKENS = 6_000  # of a document, which is one page: its picture and its text
BLOCK_TOKENS = 20  # for the block itself


def _bound(block: Block) -> int:
    if block["type"] == "image":
        return IMAGE_TOKENS
    if block["type"] == "document":
        return PAGE_TOKENS
    if block["type"] == "tool_result":
        return BLOCK_TOKENS + upper_bound(block["content"])
    return BLOCK_TOKENS + len(str(block.get("text", "")).encode(errors="surrogatepass")) // 2
