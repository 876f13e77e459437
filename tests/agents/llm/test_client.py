"""The model over HTTP: failures are retried, refused or given up, and its usage is always known."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from agents.llm.client import AnthropicModel, Request
from agents.llm.retry import ModelRefused, Patience, ProviderUnavailable
from agents.prompts import summary_instructions
from agents.stops import OutOfBudget
from agents.usage import Usage
from tests.rehearsal.model_server import BEGIN, FOUNDER, JOB, MODEL, PERSONA, TOOLS, model_server

pytestmark = pytest.mark.services
QUICK = Patience(deadline=20, stall=0.3, first_pause=0.01, longest_pause=0.05)
SYSTEM = f"{PERSONA}\n<founder_input>\n{FOUNDER}\n</founder_input>"
REQUEST = Request(MODEL, SYSTEM, TOOLS, [BEGIN], 4000, JOB)


class Purse:
    """Pays for a number of further attempts, with fewer tokens for each."""

    def __init__(self) -> None:
        self.paid: list[Usage] = []
        self.attempts = 100

    async def next_attempt(self, used: Usage) -> int:
        self.paid.append(used)
        if len(self.paid) > self.attempts:
            raise OutOfBudget(is_overdrawn=False)
        return REQUEST.max_tokens - len(self.paid)


class Provider:
    """A rehearsal provider, and a model that talks to it; `waits` collects the reported waits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.purse = Purse()
        self.waits: list[tuple[str, int]] = []
        self.models: list[AnthropicModel] = []

    def model(self, patience: Patience = QUICK) -> AnthropicModel:
        self.models.append(AnthropicModel(self._on_wait, self.purse, patience))
        return self.models[-1]

    async def _on_wait(self, reason: str, attempt: int) -> None:
        self.waits.append((reason, attempt))

    async def fail_with(self, *faults: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.url}/rehearsal/faults", json=list(faults))).raise_for_status()

    async def charges(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}/rehearsal/billed", params={"user_id": JOB})
        return list(answer.json()["requests"])

    async def billed(self) -> tuple[int, ...]:
        kinds = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        charges = await self.charges()
        return tuple(sum(charge["usage"][kind] for charge in charges) for kind in kinds)


@pytest.fixture
async def provider(tmp_path: Path, settings: Settings) -> AsyncIterator[Provider]:
    settings.ANTHROPIC_API_KEY = "a key"
    async with model_server(tmp_path, pace=0.1) as url:
        settings.ANTHROPIC_BASE_URL = url
        provider = Provider(url)
        yield provider
        for model in provider.models:
            await model.close()


def metered(provider: Provider, model: AnthropicModel) -> tuple[int, ...]:
    total = sum(provider.purse.paid, model.meter.current)
    written = total.cache_write_5m_tokens + total.cache_write_1h_tokens
    return (total.input_tokens, total.output_tokens, written, total.cache_read_tokens)


async def eventually(condition: Callable[[], Any]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("not within 20 s")


async def test_an_answer_comes_verbatim_and_its_usage_is_the_bill(provider: Provider) -> None:
    model = provider.model()
    turn = await model.answer(REQUEST)
    assert [call.name for call in turn.calls] == ["write_file", "bash"]
    assert turn.thinking == "I write the app that Shelf needs."
    assert metered(provider, model) == await provider.billed()
    assert provider.waits == []


async def test_a_summary_is_asked_for_in_our_own_words(provider: Provider) -> None:
    turn = await provider.model().answer(replace(REQUEST, is_compaction=True))
    assert turn.is_summary
    async with httpx.AsyncClient() as client:
        heard = (await client.get(f"{provider.url}/rehearsal/heard", params={"user_id": JOB})).json()
    assert [request["instructions"] for request in heard["requests"]] == [summary_instructions()]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "overloaded"},
        {"kind": "rate_limited", "retry_after": 0.01},
        {"kind": "server_error"},
        {"kind": "unavailable"},
        {"kind": "stream_error", "after_events": 6},
        {"kind": "cut", "after_events": 9},
        {"kind": "cut", "after_events": 0},
        {"kind": "torn", "after_events": 3},
        {"kind": "stall", "after_events": 5},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('after_events', '')}",
)
async def test_trouble_that_passes_is_waited_for_and_every_attempt_is_metered(
    provider: Provider, fault: dict[str, Any]
) -> None:
    await provider.fail_with({**fault, "times": 2})
    model = provider.model()
    turn = await model.answer(REQUEST)
    assert turn.stop_reason == "tool_use"
    assert [attempt for _, attempt in provider.waits] == [1, 2]
    assert all(reason for reason, _ in provider.waits)
    assert metered(provider, model) == await provider.billed()


async def test_each_attempt_is_paid_before_the_next_one_with_what_is_granted_to_it(
    provider: Provider,
) -> None:
    await provider.fail_with(
        {"kind": "cut", "after_events": 3}, {"kind": "overloaded"}, {"kind": "torn", "after_events": 5}
    )
    await provider.model().answer(REQUEST)
    assert len(provider.waits) == 3
    assert len(provider.purse.paid) == 2  # an attempt that used nothing stays reserved
    assert Usage() not in provider.purse.paid
    async with httpx.AsyncClient() as client:
        sent = (await client.get(f"{provider.url}/rehearsal/billed", params={"user_id": JOB})).json()
    assert len(sent["requests"]) == 3


async def test_a_call_ends_when_its_next_attempt_cannot_be_paid(provider: Provider) -> None:
    provider.purse.attempts = 2
    await provider.fail_with({"kind": "cut", "after_events": 9, "times": 50})
    model = provider.model()
    with pytest.raises(OutOfBudget):
        await model.answer(REQUEST)
    assert len(await provider.charges()) == len(provider.purse.paid) == 3


async def test_an_absurd_retry_after_is_capped(provider: Provider) -> None:
    await provider.fail_with({"kind": "rate_limited", "retry_after": 2_000_000})
    started = time.monotonic()
    assert (await provider.model().answer(REQUEST)).stop_reason == "tool_use"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"}, "rate limit"),
        ({"kind": "payment_required"}, "credit balance is too low"),
    ],
)
async def test_what_will_not_pass_is_refused_at_once_with_a_sentence(
    provider: Provider, fault: dict[str, str], sentence: str
) -> None:
    await provider.fail_with({**fault, "retry_after": 3600})
    with pytest.raises(ModelRefused, match=sentence):
        await provider.model().answer(REQUEST)
    assert provider.waits == []


async def test_a_provider_that_stays_away_is_given_up_at_the_deadline(provider: Provider) -> None:
    await provider.fail_with({"kind": "overloaded", "times": 1000})
    with pytest.raises(ProviderUnavailable, match="could not be reached"):
        await provider.model(Patience(deadline=0.3, first_pause=0.01, longest_pause=0.05)).answer(REQUEST)
    assert len(provider.waits) > 2


async def test_a_provider_that_cannot_be_connected_is_given_up_at_the_deadline(
    provider: Provider, settings: Settings
) -> None:
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(ProviderUnavailable):
        await provider.model(Patience(deadline=0.2, first_pause=0.01, longest_pause=0.05)).answer(REQUEST)


async def test_a_call_that_never_ends_is_given_up_at_the_deadline(provider: Provider) -> None:
    await provider.fail_with({"kind": "stall", "after_events": 5, "times": 9})
    with pytest.raises(ProviderUnavailable):
        await provider.model(Patience(deadline=0.5)).answer(REQUEST)


async def test_cancelling_closes_the_request_and_what_it_used_is_metered(provider: Provider) -> None:
    await provider.fail_with({"kind": "stall", "after_events": 5})
    model = provider.model(Patience())
    calling = asyncio.create_task(model.answer(REQUEST))
    await eventually(lambda: model.meter.current.cache_write_5m_tokens)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    for _ in range(1000):
        if await provider.charges():
            break
    assert metered(provider, model) == await provider.billed()


async def test_a_new_call_begins_with_an_empty_meter(provider: Provider) -> None:
    model = provider.model()
    await model.answer(REQUEST)
    first = metered(provider, model)
    await model.answer(REQUEST)
    assert sum(metered(provider, model)) == sum(first)
