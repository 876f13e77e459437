"""What the API rejects, as a pure function of the request."""

import base64
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from rehearsal.anthropic_api.conversation import placed_blocks
from rehearsal.anthropic_api.prefix import end_of
from rehearsal.anthropic_api.signing import sign, text_digest
from rehearsal.anthropic_api.validation import COMPACT_BETA, validate_request

MODEL = "claude-sonnet-5-5"
BEGIN = {"role": "user", "content": "Begin."}
TOOL = {"name": "bash", "description": "d", "input_schema": {"type": "object"}}
IMAGE = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"\x89PNG....").decode()}
UNSIGNED = {"type": "thinking", "thinking": "hm", "signature": "x"}
LONG = "a" * 4_100_000
Body = dict[str, Any]


def assistant_turn(before: list[Body], *blocks: Body, model: str = MODEL) -> Body:
    """A turn as the model makes it: its thinking is signed for this conversation."""
    payload = {
        "kind": "thinking",
        "model": model,
        "prefix": end_of(placed_blocks(before)),
        "text": text_digest("hm"),
        "tokens": 5,
        "state": {},
    }
    return {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm", "signature": sign(payload)}, *blocks],
    }


def compaction(text: str = "So far.") -> Body:
    payload = {"kind": "compaction", "text": text_digest(text), "prefix": "p", "state": {}}
    return {"type": "compaction", "content": text, "encrypted_content": None, "signature": sign(payload)}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "a"}]}
TEXT = {"type": "text", "text": "And?"}
TURN = assistant_turn([BEGIN], CALL)
GOOD: Body = {
    "model": MODEL,
    "max_tokens": 1000,
    "messages": [BEGIN, TURN, {"role": "user", "content": [RESULT, TEXT]}],
    "system": [{"type": "text", "text": "You build."}],
    "tools": [TOOL],
    "thinking": {"type": "adaptive", "display": "summarized"},
    "output_config": {"effort": "medium"},
    "cache_control": {"type": "ephemeral"},
    "metadata": {"user_id": "x"},
    "stream": True,
}


def messages(*messages: Body) -> Body:
    return {"messages": list(messages)}


def last(*blocks: Body) -> Body:
    return messages(BEGIN, TURN, {"role": "user", "content": list(blocks)})


def said(*blocks: Body) -> Body:
    return messages({"role": "user", "content": list(blocks)})


def test_what_the_agent_sends_is_accepted() -> None:
    assert validate_request(GOOD, [COMPACT_BETA]) == []


WRONG: list[tuple[Body, str]] = [
    (messages(BEGIN, TURN, BEGIN), "without `tool_result` blocks immediately after: toolu_1"),
    (messages(BEGIN, TURN), "does not support assistant message prefill"),
    (said(RESULT), "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
    (last(TEXT, RESULT), "must come first"),
    (last(RESULT, RESULT), "must have a single result"),
    (last({**RESULT, "is_error": True, "content": []}), "content cannot be empty if `is_error` is true"),
    (messages(TURN, BEGIN), 'first message must use the "user" role'),
    (messages(), "at least one message is required"),
    (messages({"role": "user", "content": []}), "non-empty content"),
    (said({"type": "text", "text": ""}), "text content blocks must be non-empty"),
    (said({"type": "text", "text": " \n"}), "non-whitespace text"),
    (said({"type": "tex", "text": "a"}), "Input tag 'tex' does not match"),
    (said({**TEXT, "parsed_output": None}), "messages.0.content.0.parsed_output: Extra inputs"),
    (said(CALL), "Input tag 'tool_use'"),
    (messages({"role": "system", "content": "a"}), "messages.0.role"),
    (messages(BEGIN, {"role": "assistant", "content": [UNSIGNED, TEXT]}, BEGIN),
     "Invalid `signature` in `thinking` block"),
    (messages(BEGIN, {"role": "assistant", "content": [UNSIGNED]}, BEGIN),
     "final block in an assistant message"),
    (messages(BEGIN, {"role": "assistant", "content": [{**CALL, "name": "functions.bash"}]}, BEGIN),
     "tool_use.name: String should match pattern"),
    ({**messages(BEGIN, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}),
      "model": "claude-opus-5", "thinking": {"type": "enabled", "budget_tokens": 2000}},
     "Expected `thinking`"),
    (said({"type": "image", "source": {**IMAGE, "data": "!"}}), "invalid base64"),
    (said({"type": "image", "source": {**IMAGE, "media_type": "image/jpeg"}}), "image/jpeg"),
    ({"temperature": 1}, "temperature: sampling parameters"),
    ({"top_p": 0.5}, "top_p: sampling parameters"),
    ({"top_k": 3}, "top_k: sampling parameters"),
    ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ({"tool_choice": {"type": "any"}}, "forces tool use"),
    ({"tool_choice": {"type": "tool", "name": "bash"}}, "forces tool use"),
    ({"thinking": {"type": "disabled"}}, '"disabled" is not supported'),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, '"enabled" is not supported'),
    ({"max_tokens": 128_001}, "max_tokens: 128001 > 128000"),
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
    ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "tools.0.name"),
    ({"tools": [{"name": "a"}]}, "tools.0.input_schema"),
    ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    ({"metadata": {"user_id": 3}}, "metadata.user_id"),
    ({"system": [{"type": "text", "text": ""}]}, "system.0: text content blocks must be non-empty"),
    ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "ttl: Input should be '5m' or '1h'"),
    ({"context_management": {"edits": []}}, "no context editing"),
    ({"compaction": {"type": "shorten"}}, "compaction.type"),
    ({"compaction": {"type": "summarize", "instructions": 3}}, "compaction.instructions"),
    ({"compaction": {"type": "summarize", "pause": True}}, "compaction.pause: Extra inputs"),
    ({"compaction": {"type": "summarize"}, "context_management": {}}, "cannot be combined"),
    ({"compaction": {"type": "summarize"}, "messages": []}, "at least one message"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_the_api_rejects_is_a_400_that_says_why(change: Body, message: str) -> None:
    first = validate_request({**GOOD, **change}, [COMPACT_BETA])[0]
    assert message in first.message
    assert (first.status, first.type) == (400, "invalid_request_error")


@pytest.mark.parametrize("model", ["claude-opus-4-0", "claude-5", "gpt"])
def test_a_retired_or_unknown_model_is_not_found(model: str) -> None:
    [problem] = validate_request({**GOOD, "model": model})
    assert (problem.status, problem.type) == (404, "not_found_error")


def test_an_older_model_takes_what_the_newer_ones_refuse() -> None:
    older = {**GOOD, "model": "claude-sonnet-4-6", "messages": [BEGIN], "tool_choice": {"type": "any"}}
    assert validate_request({**older, "thinking": {"type": "disabled"}}) == []


def edited(change: Callable[[list[Body]], object]) -> Body:
    body = deepcopy(GOOD)
    change(body["messages"])
    return body


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m[0].update(content="Begin!"),
        lambda m: m.insert(0, {"role": "user", "content": "Hello."}),
        lambda m: m[1]["content"].insert(0, TEXT),
    ],
)
def test_a_thinking_block_after_an_edited_conversation_is_refused(
    change: Callable[[list[Body]], object],
) -> None:
    assert "the messages before it have changed" in validate_request(edited(change))[0].message


def test_a_thinking_block_that_was_edited_is_refused() -> None:
    problem = validate_request(edited(lambda m: m[1]["content"][0].update(thinking="hmm")))[0]
    assert "cannot be modified" in problem.message


def test_a_thinking_block_of_another_model_is_refused() -> None:
    assert "created by" in validate_request({**GOOD, "model": "claude-opus-5-5"})[0].message


def test_cache_marks_nulls_and_joined_messages_do_not_change_the_conversation() -> None:
    body = deepcopy(GOOD)
    marked = {"type": "text", "text": "Begin.", "cache_control": {"type": "ephemeral"}, "citations": None}
    body["messages"][0] = {"role": "user", "content": [marked]}
    body["messages"].insert(2, {"role": "assistant", "content": [TEXT]})
    body["messages"].append({"role": "user", "content": "One more."})
    assert validate_request(body) == []


def test_more_than_four_cache_marks_are_refused() -> None:
    marked = {**TEXT, "cache_control": {"type": "ephemeral"}}
    assert validate_request({**GOOD, **said(*[marked] * 3, TEXT)}) == []
    assert "A maximum of 4 blocks" in validate_request({**GOOD, **said(*[marked] * 4, TEXT)})[0].message


def test_an_hour_must_not_be_cached_after_five_minutes() -> None:
    hour, five = ({**TEXT, "cache_control": {"type": "ephemeral", "ttl": ttl}} for ttl in ("1h", "5m"))
    assert validate_request({**GOOD, **said(hour, five)}) == []
    assert "must not come after" in validate_request({**GOOD, **said(five, hour)})[0].message


def test_a_prompt_longer_than_the_context_window_is_refused() -> None:
    assert (
        "prompt is too long" in validate_request({**GOOD, **said({"type": "text", "text": LONG})})[0].message
    )


def with_block(block: Body, *before: Body) -> Body:
    return {**GOOD, "messages": [*before, {"role": "assistant", "content": [block]}, BEGIN]}


def test_a_compaction_block_stands_first() -> None:
    assert validate_request(with_block(compaction()), [COMPACT_BETA]) == []
    problem = validate_request(with_block(compaction(), BEGIN), [COMPACT_BETA])[0]
    assert problem.error_code == "compaction_block_misplaced"


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({**compaction(), "signature": "x"}, "compaction_signature_invalid"),
        ({**compaction(), "content": "Else."}, "compaction_content_mismatch"),
        ({**compaction(), "tool_changes": [{"type": "tool_addition"}]}, "compaction_tool_changes_mismatch"),
    ],
)
def test_a_compaction_block_comes_back_as_it_was(block: Body, code: str) -> None:
    assert validate_request(with_block(block), [COMPACT_BETA])[0].error_code == code


def test_compaction_needs_its_beta_and_answered_calls() -> None:
    compacting = {**GOOD, "compaction": {"type": "summarize"}}
    assert COMPACT_BETA in validate_request(compacting)[0].message
    assert validate_request(compacting, [COMPACT_BETA]) == []
    opened = {**compacting, "messages": [BEGIN, TURN]}
    assert validate_request(opened, [COMPACT_BETA])[0].error_code == "compaction_incomplete_turn"


def test_counting_needs_no_max_tokens() -> None:
    assert (
        validate_request({key: value for key, value in GOOD.items() if key != "max_tokens"}, counting=True)
        == []
    )
