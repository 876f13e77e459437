"""The model: Anthropic's Messages API, streamed, with a retry loop of our own.

The SDK's own retries are off. They honour a `retry-after` of any length, never retry an overload in the
middle of a stream, and treat a stream that ends early as complete. The stream's events are read as plain JSON
(`agents.llm.streamed`), so that one the SDK does not know is nothing special.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import anthropic
import httpx2
import structlog
from anthropic import omit
from django.conf import settings

from agents.llm.acceptable import acceptable, acceptable_stop, ids_in, summary
from agents.llm.metering import Meter, at_least, usage_of
from agents.llm.retry import (
    TRANSIENT,
    Patience,
    ProviderUnavailable,
    StreamCut,
    StreamFailed,
    pause_before_retry,
    reason_of,
)
from agents.llm.streamed import Streamed
from agents.prompts import summary_instructions
from agents.turns import Block, Turn
from agents.usage import Usage

log = structlog.get_logger(__name__)

BETAS = ["compact-2026-09-04"]
SUMMARY = {"type": "summarize"}


@dataclass(frozen=True)
class Request:
    """One model call, with everything the answer depends on."""

    model: str
    system: str
    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    max_tokens: int
    job_id: str
    is_compaction: bool = False  # ask only for a summary of the messages


class Sink(Protocol):
    """Called before each pause, with the reason and the number of the attempt that failed."""

    def __call__(self, reason: str, attempt: int) -> Awaitable[None]: ...


class Purse(Protocol):
    """Pays for the attempts at a call. The first is reserved before the call is made."""

    async def next_attempt(self, used: Usage) -> int:
        """Settle what a failed attempt used and reserve the next one; returns the `max_tokens` granted to it.

        Raises `OutOfBudget` when another attempt does not fit.
        """
        ...


class AnthropicModel:
    """One client per event loop. `meter` holds the usage of the current attempt, also after it has failed."""

    def __init__(self, on_wait: Sink, purse: Purse, patience: Patience = Patience()) -> None:
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.ANTHROPIC_API_KEY,
            base_url=settings.ANTHROPIC_BASE_URL,
            max_retries=0,
            timeout=httpx2.Timeout(patience.deadline, connect=5, read=patience.stall),
        )
        self._on_wait = on_wait
        self._purse = purse
        self._patience = patience
        self.meter = Meter()

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, request: Request) -> Turn:
        """The model's next turn.

        Raises `ModelRefused` when a retry cannot help, `ContextFull` when the request is too long,
        `ProviderUnavailable` when there was no answer before the deadline, `OutOfBudget` when the next
        attempt cannot be paid for.
        """
        self.meter = Meter()
        give_up_at = time.monotonic() + self._patience.deadline
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout(self._patience.deadline):
                    return await self._attempt(request)
            except TRANSIENT as error:
                pause = pause_before_retry(error, attempt, self._patience)
                if time.monotonic() + pause > give_up_at:
                    raise ProviderUnavailable(f"The provider could not be reached: {error}") from error
                log.warning("model.retry", attempt=attempt, pause=round(pause, 2), error=repr(error))
                request = await self._paid_anew(request)
                await self._on_wait(reason_of(error), attempt)
                await asyncio.sleep(pause)

    async def _paid_anew(self, request: Request) -> Request:
        """The request for the next attempt. What a failed one used is paid first; one that used nothing is
        still reserved."""
        if self.meter.current != Usage():
            request = replace(request, max_tokens=await self._purse.next_attempt(self.meter.current))
            self.meter = Meter()
        return request

    async def _attempt(self, request: Request) -> Turn:
        streamed = Streamed()
        async with self._client.beta.messages.with_streaming_response.create(  # type: ignore[call-overload]
            model=request.model,
            max_tokens=request.max_tokens,
            system=[{"type": "text", "text": request.system}],
            tools=request.tools,  # plain dictionaries, checked by the API
            messages=request.messages,
            thinking={"type": "adaptive", "display": "summarized"},
            output_config={"effort": "medium"},
            cache_control={"type": "ephemeral"},
            metadata={"user_id": request.job_id},
            compaction=SUMMARY | {"instructions": summary_instructions()} if request.is_compaction else omit,
            betas=BETAS,
            stream=True,
        ) as response:
            async for event in _events(response.http_response):
                streamed.add(event)
                self.meter.current = usage_of(streamed.usage)
        if streamed.stop_reason is None:
            raise StreamCut
        content = streamed.content
        self.meter.current = at_least(self.meter.current, [request.system, request.messages], content)
        return _turn(request, content, streamed.stop_reason, self.meter.current)


def _turn(request: Request, content: list[Block], stop_reason: Any, used: Usage) -> Turn:
    """What is kept of the answer. A refused one is not: its text is incomplete, and may not be sent back."""
    if request.is_compaction:
        return Turn(summary(content, stop_reason), str(stop_reason), used)
    if stop_reason == "refusal":
        return Turn([], "refusal", used)
    return Turn(acceptable(content, ids_in(request.messages)), acceptable_stop(stop_reason), used)


async def _events(response: httpx2.Response) -> AsyncIterator[Any]:
    """The stream's events as JSON. Raises `StreamFailed` for an error, `StreamCut` for what is not JSON."""
    async for sent in anthropic.AsyncStream.raw_events(response):
        if not sent.data:
            continue
        try:
            event = sent.json()
        except (ValueError, RecursionError) as error:
            raise StreamCut(str(error)[:500]) from error
        if sent.event == "error" or (isinstance(event, dict) and event.get("type") == "error"):
            raise _failed(event)
        yield event


def _failed(event: Any) -> StreamFailed:
    told = event.get("error") if isinstance(event, dict) else None
    told = told if isinstance(told, dict) else {}
    return StreamFailed(str(told.get("type", "")), str(told.get("message") or event)[:500])
