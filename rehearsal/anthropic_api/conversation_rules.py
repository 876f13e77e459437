"""Whether a conversation is consistent: roles, tool calls and their results, thinking, compaction."""

from collections.abc import Iterator

from rehearsal.anthropic_api.conversation import Placed, Turn
from rehearsal.anthropic_api.prefix import prefixes
from rehearsal.anthropic_api.problem import Problem
from rehearsal.anthropic_api.signing import read_signature, text_digest


def conversation_problems(
    turns: list[Turn], model_id: str, *, compacting: bool, needs_thinking: bool = False
) -> Iterator[Problem]:
    """What the API rejects although every message is well-formed.

    `needs_thinking`: a turn with tool calls must begin with thinking, as where thinking is `enabled`. Where
    it is adaptive, the model itself decides whether it thinks.
    """
    blocks = [placed for turn in turns for placed in turn.blocks]
    yield from _role_problems(turns, compacting=compacting)
    yield from _pairing_problems(turns, compacting=compacting)
    yield from _compaction_problems(blocks)
    yield from _thinking_problems(turns, blocks, model_id, needs_thinking=needs_thinking)


def _role_problems(turns: list[Turn], *, compacting: bool) -> Iterator[Problem]:
    if not turns:
        code = "compaction_nothing_to_summarize" if compacting else None
        yield Problem("messages: at least one message is required", error_code=code)
        return
    if turns[0].role != "user" and turns[0].blocks[0].block["type"] != "compaction":
        yield Problem('messages: first message must use the "user" role')
    if turns[-1].role == "assistant" and not compacting:
        yield Problem(
            "This model does not support assistant message prefill."
            " The conversation must end with a user message."
        )


def _pairing_problems(turns: list[Turn], *, compacting: bool) -> Iterator[Problem]:
    """Each tool_use has exactly one result, first in the next user turn, and there are no other results."""
    seen: set[str] = set()
    for n, turn in enumerate(turns):
        calls = [placed.block["id"] for placed in turn.of_type("tool_use")]
        if len(set(calls)) < len(calls) or seen & set(calls):
            yield Problem(f"{turn.blocks[0].path}: `tool_use` ids must be unique")
        seen.update(calls)
        following = turns[n + 1] if n + 1 < len(turns) else None
        results = following.of_type("tool_result") if following else []
        answered = [placed.block["tool_use_id"] for placed in results]
        if missing := [call for call in calls if call not in answered]:
            yield _unanswered(turn, missing, compacting=compacting and following is None)
        if turn.role == "user":
            yield from _result_problems(turn, turns[n - 1] if n else None)


def _unanswered(turn: Turn, missing: list[str], *, compacting: bool) -> Problem:
    if compacting:
        message = "compaction: the conversation ends on an assistant turn whose tool calls are not answered"
        return Problem(message, error_code="compaction_incomplete_turn")
    where = turn.blocks[-1].path.partition(".content")[0]
    return Problem(
        f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after:"
        f" {', '.join(missing)}. Each `tool_use` block must have a"
        " corresponding `tool_result` block in the next message."
    )


def _result_problems(turn: Turn, before: Turn | None) -> Iterator[Problem]:
    calls = {placed.block["id"] for placed in before.of_type("tool_use")} if before else set()
    answered: set[str] = set()
    for position, placed in enumerate(turn.blocks):
        if placed.block["type"] != "tool_result":
            continue
        call_id = placed.block["tool_use_id"]
        if call_id not in calls:
            yield Problem(
                f"{placed.path}: unexpected `tool_use_id` found in `tool_result` blocks: {call_id}."
                " Each `tool_result` block must have a corresponding `tool_use` block in the"
                " previous message."
            )
        elif call_id in answered:
            yield Problem(
                f"{placed.path}: each tool_use must have a single result. Found several for {call_id}"
            )
        elif any(other.block["type"] != "tool_result" for other in turn.blocks[:position]):
            yield Problem(
                f"{placed.path}: `tool_result` blocks must come first in the message after `tool_use`"
            )
        answered.add(call_id)


def _compaction_problems(blocks: list[Placed]) -> Iterator[Problem]:
    found = [placed for placed in blocks if placed.block["type"] == "compaction"]
    if len([placed for placed in found if placed.block.get("content")]) > 1:
        message = "messages: more than one `compaction` block with content"
        yield Problem(message, error_code="compaction_block_ambiguous")
    for placed in found:
        if placed is not blocks[0]:
            message = f"{placed.path}: a `compaction` block must be the first block of the conversation"
            yield Problem(message, error_code="compaction_block_misplaced")
        yield from _compaction_signature_problems(placed)


def _compaction_signature_problems(placed: Placed) -> Iterator[Problem]:
    block = placed.block
    payload = read_signature(block.get("signature"))
    if payload is None or payload.get("kind") != "compaction":
        message = f"{placed.path}: Invalid `signature` in `compaction` block"
        yield Problem(message, error_code="compaction_signature_invalid")
    elif payload["text"] != text_digest(block.get("content") or ""):
        message = f"{placed.path}: the content of the `compaction` block is not what its signature recorded"
        yield Problem(message, error_code="compaction_content_mismatch")
    elif block.get("tool_changes"):
        message = (
            f"{placed.path}: the `tool_changes` of the `compaction` block are not those it was returned with"
        )
        yield Problem(message, error_code="compaction_tool_changes_mismatch")


def _thinking_problems(
    turns: list[Turn], blocks: list[Placed], model_id: str, *, needs_thinking: bool
) -> Iterator[Problem]:
    """Thinking blocks must come back unchanged, from the same model, after the same conversation."""
    for turn in turns:
        last = turn.blocks[-1]
        if last.block["type"] in ("thinking", "redacted_thinking"):
            yield Problem(
                f"{last.path}: The final block in an assistant message cannot be `{last.block['type']}`."
            )
    for placed, prefix in prefixes(blocks):
        if placed.block["type"] == "thinking":
            yield from _binding_problems(placed, prefix, model_id)
    latest = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    has_thought = latest and latest.of_type("thinking", "redacted_thinking")
    if needs_thinking and latest and latest.of_type("tool_use") and not has_thought:
        path, kind = latest.blocks[0].path, latest.blocks[0].block["type"]
        yield Problem(
            f"{path}.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`."
            " When `thinking` is enabled, a final"
            " `assistant` message must start with a thinking block."
        )


def _binding_problems(placed: Placed, prefix: str, model_id: str) -> Iterator[Problem]:
    payload = read_signature(placed.block["signature"])
    if payload is None or payload.get("kind") != "thinking":
        yield Problem(f"{placed.path}: Invalid `signature` in `thinking` block")
    elif payload["text"] != text_digest(placed.block["thinking"]):
        yield Problem(
            f"{placed.path}: `thinking` or `redacted_thinking` blocks cannot be modified."
            " These blocks must remain as they were in the original response."
        )
    elif payload["model"] != model_id:
        yield Problem(
            f"{placed.path}: this `thinking` block was created by {payload['model']}, not by {model_id}"
        )
    elif payload["prefix"] != prefix:
        yield Problem(
            f"{placed.path}: this `thinking` block was created in a different conversation,"
            " or the messages before it have changed since"
        )
