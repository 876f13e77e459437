"""Faults on request, as the real SDK reports them to its caller."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import httpx2
import pytest

from tests.rehearsal.model_server import BEGIN, JOB, Model, model_client, model_server

pytestmark = pytest.mark.services


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with model_client(tmp_path, timeout=httpx2.Timeout(20, read=1)) as model:
        yield model


async def test_a_rate_limit_says_when_to_come_back(model: Model) -> None:
    await model.steer({"kind": "rate_limited", "retry_after": 7})
    with pytest.raises(anthropic.RateLimitError) as caught:
        await model.say([BEGIN])
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.error_code is None
    assert (await model.say([BEGIN])).stop_reason == "tool_use"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            {"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"},
            anthropic.EnforcedSpendLimitReachedError,
        ),
        ({"kind": "overloaded"}, anthropic.OverloadedError),
        ({"kind": "server_error"}, anthropic.InternalServerError),
        ({"kind": "unavailable"}, anthropic.ServiceUnavailableError),
        ({"kind": "payment_required"}, anthropic.PaymentRequiredError),
    ],
)
async def test_a_fault_before_the_answer_is_the_sdks_own_error(
    model: Model, fault: dict[str, Any], expected: type[Exception]
) -> None:
    await model.steer(fault)
    with pytest.raises(expected):
        await model.say([BEGIN])
    assert (await model.billed())["totals"]["requests"] == 0


async def test_an_error_in_mid_stream_is_a_status_error_of_200(model: Model) -> None:
    await model.steer({"kind": "stream_error"})
    with pytest.raises(anthropic.APIStatusError) as caught:
        await model.say([BEGIN])
    assert (type(caught.value), caught.value.status_code) == (anthropic.APIStatusError, 200)
    assert caught.value.type == "overloaded_error"


async def test_a_cut_stream_ends_without_an_error_and_without_a_stop_reason(model: Model) -> None:
    await model.steer({"kind": "cut", "after_events": 20})
    message = await model.say([BEGIN])
    assert message.stop_reason is None
    [charge] = (await model.billed())["requests"]
    assert not charge["complete"]
    assert charge["usage"]["output_tokens"] == message.usage.output_tokens == 1
    assert charge["usage"]["cache_creation_input_tokens"] == message.usage.cache_creation_input_tokens


async def test_a_torn_socket_is_a_protocol_error(model: Model) -> None:
    await model.steer({"kind": "torn"})
    with pytest.raises(httpx2.RemoteProtocolError):
        await model.say([BEGIN])


async def test_a_stalled_stream_runs_into_the_read_timeout(model: Model) -> None:
    await model.steer({"kind": "stall"})
    with pytest.raises(httpx2.ReadTimeout):
        await model.say([BEGIN])


async def test_a_fault_hits_the_user_it_is_meant_for_as_often_as_asked(model: Model) -> None:
    await model.steer({"kind": "overloaded", "match": JOB, "times": 2})
    assert await model.say([BEGIN], metadata={"user_id": "someone else"})
    for _ in range(2):
        with pytest.raises(anthropic.OverloadedError):
            await model.say([BEGIN])
    assert (await model.say([BEGIN])).stop_reason == "tool_use"


@pytest.mark.parametrize(
    "wrong", [{"kind": "nonsense"}, {"kind": "cut", "after": 1}, {"kind": "cut", "times": "x"}, 3]
)
async def test_an_invalid_fault_is_refused(tmp_path: Path, wrong: object) -> None:
    async with model_server(tmp_path) as url, httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/rehearsal/faults", json=[wrong])
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
        assert (await client.get(f"{url}/rehearsal/faults")).json() == []


async def test_a_client_that_leaves_is_billed_for_what_it_was_told(tmp_path: Path) -> None:
    async with model_client(tmp_path, pace=30) as model:
        async with model.client.beta.messages.stream(**model.request([BEGIN])) as stream:
            started = await anext(aiter(stream))
        assert started.type == "message_start"
        async with asyncio.timeout(20):
            while not (charges := (await model.billed())["requests"]):
                pass
    assert (charges[0]["complete"], charges[0]["usage"]["output_tokens"]) == (False, 1)
