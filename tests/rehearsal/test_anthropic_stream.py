"""The real SDK plays a whole play over HTTP."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import BadRequestError, NotFoundError
from anthropic.types import CompactionIncompleteTurnError
from anthropic.types.beta import BetaThinkingBlock, BetaToolUseBlock

from tests.rehearsal.model_server import (
    BEGIN,
    BETA,
    MODEL,
    Model,
    answered,
    model_client,
    model_server,
    play_with_fault,
)

pytestmark = pytest.mark.services


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with model_client(tmp_path) as model:
        yield model


def usage_of(message: Any) -> tuple[int, int, int, int]:
    usage = message.usage
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )


async def test_a_turn_arrives_event_by_event(model: Model) -> None:
    async with model.client.beta.messages.stream(**model.request([BEGIN])) as stream:
        kinds = Counter([event.type async for event in stream])
        message = await stream.get_final_message()
        assert (stream.request_id or "").startswith("req_")
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    thought, _, written, _ = message.content
    assert isinstance(thought, BetaThinkingBlock)
    assert isinstance(written, BetaToolUseBlock)
    assert thought.thinking == "I write the app that Shelf needs."
    assert written.input == {
        "path": "app.py",
        "content": "a list, long enough to come in several chunks",
    }
    assert (kinds["content_block_start"], kinds["content_block_stop"], kinds["message_stop"]) == (4, 4, 1)
    assert kinds["input_json"] > 3
    assert kinds["signature"] == 1
    assert message.stop_reason == "tool_use"


async def test_a_play_goes_to_its_end_and_a_failing_tool_changes_it(model: Model) -> None:
    first = await model.say([BEGIN])
    good = await model.say([BEGIN, *answered(first)])
    bad = await model.say([BEGIN, *answered(first, "Traceback\n[exit 1]", error=True)])
    assert (good.content[1].text, good.stop_reason) == ("Done.", "end_turn")
    assert bad.content[0].thinking == "It broke."


async def test_the_second_turn_reads_what_the_first_has_written_to_the_cache(model: Model) -> None:
    first = await model.say([BEGIN])
    second = await model.say([BEGIN, *answered(first)])
    fresh, output, written, read = usage_of(first)
    assert (fresh, read) == (0, 0)
    assert written > 512
    assert output > 500
    assert first.usage.output_tokens_details.thinking_tokens == 500
    assert usage_of(second)[3] == written
    assert first.usage.cache_creation.ephemeral_5m_input_tokens == written


async def test_the_answer_without_streaming_is_the_same_turn(model: Model) -> None:
    message = await model.client.beta.messages.create(**model.request([BEGIN]))
    streamed = await model.say([BEGIN])
    assert [block.type for block in message.content] == [block.type for block in streamed.content]
    assert message.content[2].input == streamed.content[2].input


async def test_count_tokens_counts_what_the_request_is_billed_for(model: Model) -> None:
    request = model.request([BEGIN])
    for key in ("max_tokens", "metadata", "cache_control"):
        del request[key]
    counted = await model.client.beta.messages.count_tokens(**request)
    fresh, _, written, read = usage_of(await model.say([BEGIN]))
    assert counted.input_tokens == fresh + written + read


async def test_a_compaction_is_one_signed_block_that_is_billed_apart(model: Model) -> None:
    first = await model.say([BEGIN])
    history = [BEGIN, *answered(first)]
    compaction = await model.say(history, compaction={"type": "summarize"})
    assert ([block.type for block in compaction.content], compaction.stop_reason) == (
        ["compaction"],
        "compaction",
    )
    assert usage_of(compaction) == (0, 0, 0, 0)
    [iteration] = compaction.usage.iterations
    assert (iteration.type, iteration.output_tokens > 0) == ("compaction", True)
    going_on = [compaction.to_param(), {"role": "user", "content": "Your decisions so far: none."}]
    assert (await model.say(going_on)).content[1].text == "Done."


async def test_turns_made_before_a_compaction_may_follow_its_block(model: Model) -> None:
    first = await model.say([BEGIN])
    compaction = await model.say([BEGIN], compaction={"type": "summarize"})
    following = [compaction.to_param(), *answered(first)]
    assert (await model.say(following)).content[1].text == "Done."


async def test_a_compaction_block_needs_the_beta_header_and_its_own_words(model: Model) -> None:
    compaction = await model.say([BEGIN], compaction={"type": "summarize"})
    history = [compaction.to_param(), {"role": "user", "content": "Go on."}]
    with pytest.raises(BadRequestError, match=BETA):
        await model.say(history, betas=["some-beta-2026-01-01"])
    block = compaction.content[0].model_dump() | {"content": "Something else."}
    with pytest.raises(BadRequestError) as caught:
        await model.say([{"role": "assistant", "content": [block]}, history[1]])
    assert caught.value.error_code == "compaction_content_mismatch"


async def test_a_compaction_with_open_tool_calls_is_refused(model: Model) -> None:
    first = await model.say([BEGIN])
    with pytest.raises(CompactionIncompleteTurnError):
        await model.say([BEGIN, first.to_param()], compaction={"type": "summarize"})


async def test_the_bill_agrees_with_what_the_client_was_told(model: Model) -> None:
    first = await model.say([BEGIN])
    compaction = await model.say([BEGIN, *answered(first)], compaction={"type": "summarize"})
    bill = await model.billed()
    assert [charge["kind"] for charge in bill["requests"]] == ["message", "compaction"]
    assert bill["requests"][0]["usage"]["output_tokens"] == first.usage.output_tokens
    assert bill["requests"][1]["usage"]["input_tokens"] == compaction.usage.iterations[0].input_tokens
    # 2.50 USD a million written tokens, 10 a million output tokens, rounded up
    written, output = first.usage.cache_creation_input_tokens, first.usage.output_tokens
    assert bill["requests"][0]["cost_microdollars"] == -(-(25 * written + 100 * output) // 10)


async def test_the_bill_and_the_play_outlive_a_restart(tmp_path: Path) -> None:
    async with model_client(tmp_path) as model:
        first = await model.say([BEGIN])
    async with model_client(tmp_path) as model:
        assert (await model.say([BEGIN, *answered(first)])).content[1].text == "Done."
        assert (await model.billed())["totals"]["requests"] == 2


async def test_max_tokens_cuts_the_turn_and_the_step_is_played_again(model: Model) -> None:
    cut = await model.say([BEGIN], max_tokens=510)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 510)
    assert cut.content[-1].input != (await model.say([BEGIN])).content[-1].input
    kept = [cut.content[0], {"type": "text", "text": "Cut."}]  # thinking alone cannot be sent back
    whole = await model.say([BEGIN, {"role": "assistant", "content": kept}, BEGIN])
    assert whole.stop_reason == "tool_use"


async def test_models_are_listed_with_lifecycle_and_capabilities(model: Model) -> None:
    shown = await model.client.beta.models.retrieve(MODEL)
    assert (shown.lifecycle, shown.max_tokens) == ("active", 128_000)
    assert shown.capabilities is not None
    assert shown.capabilities.compaction is not None
    assert not shown.capabilities.thinking.types.disabled.supported
    listed = {entry.id: entry.lifecycle async for entry in model.client.models.list()}
    assert listed["claude-opus-4-0"] == "retired"


async def test_an_unknown_model_is_not_found(model: Model) -> None:
    with pytest.raises(NotFoundError, match="claude-no-such"):
        await model.say([BEGIN], model="claude-no-such")


async def test_a_request_the_api_rejects_gets_a_400_with_its_reason(model: Model) -> None:
    first = await model.say([BEGIN])
    with pytest.raises(BadRequestError, match="without `tool_result` blocks"):
        await model.say([BEGIN, first.to_param(), BEGIN])


async def test_a_request_without_a_key_or_with_broken_json_is_refused(tmp_path: Path) -> None:
    async with model_server(tmp_path) as url, httpx.AsyncClient() as client:
        nobody = await client.post(f"{url}/v1/messages", json={})
        assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")
        headers = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
        broken = await client.post(f"{url}/v1/messages", content="{", headers=headers)
        assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
        assert broken.headers["request-id"] == broken.json()["request_id"]


async def test_a_step_can_fail_once_by_itself(tmp_path: Path) -> None:
    async with model_client(tmp_path, play_with_fault({"kind": "stop", "stop_reason": "refusal"})) as model:
        refused = await model.say([BEGIN])
        assert (refused.stop_reason, refused.stop_details.type) == ("refusal", "refusal")
        assert (await model.say([BEGIN])).stop_reason == "tool_use"
