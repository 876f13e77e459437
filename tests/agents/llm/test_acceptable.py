"""Whatever the wire brings, the next request is one the API accepts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.checkpoint.transcript import append
from agents.guards import Guards
from agents.llm.acceptable import acceptable, acceptable_stop, ids_in, summary
from agents.llm.metering import usage_of
from agents.llm.streamed import Streamed
from agents.odd_turns import OddTurns
from agents.turns import UNREADABLE, Block, Turn, failed_result, without_pictures
from rehearsal.anthropic_api.conversation import placed_blocks
from rehearsal.anthropic_api.prefix import end_of
from rehearsal.anthropic_api.signing import sign, text_digest
from rehearsal.anthropic_api.validation import validate_request

MODEL = "claude-sonnet-5-5"
TOOL = {"name": "bash", "description": "Run", "input_schema": {"type": "object", "properties": {}}}


def use(call_id: Any = "toolu_1", name: Any = "bash", given: Any = None) -> Block:
    return {
        "type": "tool_use",
        "id": call_id,
        "name": name,
        "input": {"command": "ls"} if given is None else given,
    }


def signed(text: str, messages: list[dict[str, Any]]) -> Block:
    """A thinking block as the rehearsal's model signs it after these messages."""
    prefix = end_of(list(placed_blocks(messages)))
    payload = {"kind": "thinking", "model": MODEL, "prefix": prefix, "text": text_digest(text), "state": {}}
    return {"type": "thinking", "thinking": text, "signature": sign(payload)}


def problems(messages: list[dict[str, Any]]) -> list[str]:
    """What the API would say to this request, which must survive the way into its JSON."""
    body = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": messages,
        "tools": [TOOL],
        "thinking": {"type": "adaptive"},
    }
    sent = json.loads(json.dumps(body, allow_nan=False, ensure_ascii=False).encode())
    return [problem.message for problem in validate_request(sent, ["compact-2026-09-04"])]


# Generated turns

STRINGS = st.one_of(
    st.sampled_from(
        ["", " ", "\n\t", "x", "\ud800", "a\udc00b", "\0", "functions.bash", "toolu_1", "toolu_1_2"]
    ),
    st.text(st.characters(codec=None, categories=["L", "Zs", "Cs", "P"]), max_size=8),
)
JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), STRINGS, st.lists(STRINGS, max_size=2))
VALUES = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3)
)
WRITTEN = st.one_of(
    st.sampled_from(
        ['{"a": 1', '{"a":"x" "y"}', '"x" "y"', '"{}"', "[1]", "null", "NaN", '{"a": 1e999}', "{}}"]
    ),
    st.just("[" * 100_000),
    VALUES.map(json.dumps),
)
KINDS = st.sampled_from(
    [
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "compaction",
        "server_tool_use",
        "newer_block",
        "image",
    ]
)
NAMES = st.sampled_from(
    [
        "text",
        "thinking",
        "signature",
        "data",
        "id",
        "name",
        "input",
        "caller",
        "toolset_name",
        "content",
        "citations",
    ]
)
ODD_BLOCKS = st.one_of(
    st.builds(
        lambda kind, fields: {**fields, "type": kind}, KINDS, st.dictionaries(NAMES, VALUES, max_size=5)
    ),
    st.builds(use, st.one_of(STRINGS, JUNK), st.one_of(STRINGS, JUNK), VALUES),
    st.builds(lambda text: {"type": "text", "text": text}, STRINGS),
    st.just("SIGNED"),
    JUNK,
)
DELTAS = st.one_of(
    st.builds(lambda text: {"type": "text_delta", "text": text}, st.one_of(STRINGS, JUNK)),
    st.builds(lambda text: {"type": "input_json_delta", "partial_json": text}, WRITTEN),
    st.just({"type": "newer_delta", "of": 1}),
    JUNK,
)
STOPS = st.one_of(
    st.sampled_from(
        [
            "tool_use",
            "end_turn",
            "max_tokens",
            "refusal",
            "pause_turn",
            "stop_sequence",
            "compaction",
            "newer",
        ]
    ),
    JUNK.filter(lambda reason: reason is not None),
)
USAGE = st.dictionaries(
    st.sampled_from(
        ["input_tokens", "output_tokens", "cache_creation", "cache_creation_input_tokens", "iterations"]
    ),
    VALUES,
    max_size=4,
)
TURNS = st.lists(
    st.tuples(st.lists(st.tuples(ODD_BLOCKS, st.lists(DELTAS, max_size=2)), max_size=5), STOPS, USAGE),
    min_size=1,
    max_size=4,
)


def streamed(
    blocks: list[tuple[Any, list[Any]]], stop: Any, usage: Any, messages: list[dict[str, Any]]
) -> Streamed:
    """The turn as its events bring it."""
    answer = Streamed()
    answer.add({"type": "message_start", "message": {"usage": usage, "content": []}})
    for index, (block, deltas) in enumerate(blocks):
        shown = signed("Hm.", messages) if block == "SIGNED" and not index else block
        answer.add({"type": "content_block_start", "index": index, "content_block": shown})
        for delta in deltas if block != "SIGNED" else ():
            answer.add({"type": "content_block_delta", "index": index, "delta": delta})
        answer.add({"type": "newer_event", "index": index})
    answer.add({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage})
    return answer


@settings(max_examples=300, deadline=None)
@given(TURNS)
def test_after_any_turns_the_next_request_is_accepted(turns: list[tuple[Any, Any, Any]]) -> None:
    messages: list[dict[str, Any]] = []
    append(messages, "user", [{"type": "text", "text": "Begin."}])
    odd, guards = OddTurns(), Guards(10_000)
    for blocks, stop, usage in turns:
        answer = streamed(blocks, stop, usage, messages)
        used = usage_of(answer.usage)
        assert min(vars(used).values()) >= 0
        turn = Turn(acceptable(answer.content, ids_in(messages)), acceptable_stop(answer.stop_reason), used)
        append(messages, "assistant", turn.content)
        results = [failed_result(call, call.name, "cut", "Not run.").block() for call in turn.requested]
        notes = [*odd.notes_on(turn), *guards.notes_on(turn.calls)]
        append(messages, "user", results)
        append(messages, "user", notes or [{"type": "text", "text": "Go on."}])
        assert problems(messages) == []
    assert problems(without_pictures(messages)) == []


# The kinds, one by one


def test_what_a_model_says_usually_is_kept_as_it_is() -> None:
    content = [signed("Hm.", []), {"type": "text", "text": "I look."}, use()]
    assert acceptable(content) == content


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "text", "text": ""}],
        [{"type": "text", "text": " \n"}],
        [signed("Hm.", [])],
        [{"type": "thinking", "thinking": "Hm.", "signature": ""}],
        [{"type": "compaction", "content": "So far."}],
        [{"type": "newer_block"}],
    ],
)
def test_nothing_is_kept_of_a_turn_without_anything_to_send_back(content: list[Block]) -> None:
    assert acceptable(content) == []


def test_the_same_block_twice_is_one_call() -> None:
    assert acceptable([use(), use()]) == [use()]


def test_two_calls_of_one_id_are_two_calls() -> None:
    calls = acceptable([use(), use(given={"command": "pwd"})], {"toolu_1_2"})
    assert [call["id"] for call in calls] == ["toolu_1", "toolu_1_3"]


def test_an_id_of_an_earlier_turn_becomes_another() -> None:
    assert acceptable([use()], {"toolu_1"})[0]["id"] == "toolu_1_2"


@pytest.mark.parametrize(
    ("given", "kept"), [("functions.bash", "functions_bash"), ("", "unnamed"), (7, "unnamed")]
)
def test_a_tool_name_that_the_api_refuses_becomes_one_that_is_unknown(given: Any, kept: str) -> None:
    assert acceptable([use(name=given)])[0]["name"] == kept


@pytest.mark.parametrize(
    "given", ['{"command": "ls"}', ["ls"], 7, {"command": "\ud800"}, {"x": float("inf")}]
)
def test_an_input_that_is_no_object_is_kept_as_unreadable(given: Any) -> None:
    [call] = acceptable([use(given=given)])
    assert list(call["input"]) == [UNREADABLE]


@pytest.mark.parametrize(
    "written", ['{"command": "ls"', '{"command":"x" "y"}', '{"a": 1}}', '"x" "y"', "[" * 100_000]
)
def test_broken_json_is_never_completed(written: str) -> None:
    answer = streamed(
        [(use(given={}), [{"type": "input_json_delta", "partial_json": written}])], "tool_use", {}, []
    )
    [call] = Turn(acceptable(answer.content), "tool_use").calls
    assert call.is_unreadable
    assert call.input[UNREADABLE] == written[:2_000]


def test_a_character_cut_in_two_between_events_is_whole_again() -> None:
    pieces = [{"type": "text_delta", "text": "\ud83c"}, {"type": "text_delta", "text": "\udf3b!"}]
    answer = streamed([({"type": "text", "text": ""}, pieces)], "end_turn", {}, [])
    assert acceptable(answer.content) == [{"type": "text", "text": "🌻!"}]


BLOCK: Block = {"type": "compaction", "content": "So far.", "encrypted_content": None, "signature": "s"}


@pytest.mark.parametrize(
    ("content", "stop"),
    [
        ([], "compaction"),
        ([{"type": "text", "text": "So far."}], "compaction"),
        ([{**BLOCK, "content": None}], "compaction"),
        ([{**BLOCK, "content": " "}], "compaction"),
        ([BLOCK, BLOCK], "compaction"),
        ([BLOCK], "max_tokens"),
        ([BLOCK], "refusal"),
        ([BLOCK], "end_turn"),
        ([use()], "tool_use"),
    ],
)
def test_only_a_compaction_block_under_its_own_stop_reason_is_a_summary(
    content: list[Block], stop: str
) -> None:
    assert summary(content, stop) == []


def test_a_summary_is_kept_as_it_is() -> None:
    assert summary([BLOCK], "compaction") == [BLOCK]


def test_an_ordinary_answer_cannot_end_as_a_summary_does() -> None:
    assert acceptable_stop("compaction") == "end_turn"
