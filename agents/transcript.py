"""The transcript as the API wants it: roles alternate, results come before notes."""

from typing import Any

from agents.turns import Block


def append(messages: list[dict[str, Any]], role: str, content: list[Block]) -> None:
    """Add one row to request messages, in place; neighbouring rows of one role become one message.

    Only the user's rows can be neighbours, and their tool results come first.
    """
    if messages and messages[-1]["role"] == role:
        joined = [*messages[-1]["content"], *content]
        joined.sort(key=lambda block: block["type"] != "tool_result")  # stable: the order stays otherwise
        messages[-1] = {"role": role, "content": joined}
    else:
        messages.append({"role": role, "content": list(content)})


def upper_bound(content: list[Block]) -> int:
    """At most how many tokens these blocks add: half a token a byte, and a fixed number for an image."""
    return sum(_bound(block) for block in content)


IMAGE_TOKENS = 2_000
BLOCK_TOKENS = 20  # what the block itself costs


def _bound(block: Block) -> int:
    if block["type"] == "image":
        return IMAGE_TOKENS
    if block["type"] == "tool_result":
        return BLOCK_TOKENS + upper_bound(block["content"])
    return BLOCK_TOKENS + len(str(block.get("text", "")).encode()) // 2
