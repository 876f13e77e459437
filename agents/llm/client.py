"""The model: Anthropic's Messages API, streamed, with a retry loop of our own.

The SDK's own retries are off. They honour a `retry-after` of any length, never retry an overload in the
middle of a stream, and treat a stream that ends early as complete.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import anthropic
import httpx2
import structlog
from anthropic import omit
from anthropic.types.beta import BetaRawMessageDeltaEvent, BetaRawMessageStartEvent
from django.conf import settings

from agents.llm.metering import Meter, usage_of
from agents.llm.retry import (
    TRANSIENT,
    Patience,
    ProviderUnavailable,
    StreamCut,
    pause_before_retry,
    reason_of,
)
from agents.turns import Block, Turn
from agents.usage import Usage

log = structlog.get_logger(__name__)

BETAS = ["compact-2026-09-04"]


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

        Raises `ModelRefused` when a retry cannot help, `ProviderUnavailable` when there was no answer before
        the deadline, `OutOfBudget` when the next attempt cannot be paid for.
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
        async with self._client.beta.messages.stream(
            model=request.model,
            max_tokens=request.max_tokens,
            system=[{"type": "text", "text": request.system}],
            tools=request.tools,  # type: ignore[arg-type]  # plain dictionaries, checked by the API
            messages=request.messages,  # type: ignore[arg-type]
            thinking={"type": "adaptive", "display": "summarized"},
            output_config={"effort": "medium"},
            cache_control={"type": "ephemeral"},
            metadata={"user_id": request.job_id},
            compaction={"type": "summarize"} if request.is_compaction else omit,
            betas=BETAS,
        ) as stream:
            async for event in _parsed(stream):
                if isinstance(event, BetaRawMessageStartEvent):
                    self.meter.current = usage_of(event.message.usage)
                elif isinstance(event, BetaRawMessageDeltaEvent):
                    self.meter.current = usage_of(stream.current_message_snapshot.usage)
            message = await stream.get_final_message()
        if message.stop_reason is None:
            raise StreamCut
        self.meter.current = usage_of(message.usage)
        return Turn(_verbatim(message.content), message.stop_reason, self.meter.current)


async def _parsed(stream: AsyncIterable[Any]) -> AsyncIterator[Any]:
    """The stream's events. Raises `StreamCut` when a tool call is not valid JSON: the answer was cut short.

    The same goes for a stream without events, from which the SDK cannot build a message.
    """
    event = None
    try:
        async for event in stream:
            yield event
    except ValueError as error:
        raise StreamCut(str(error)[:500]) from error
    if event is None:
        raise StreamCut


def _verbatim(content: list[Any]) -> list[Block]:
    return [block.model_dump(mode="json", exclude_unset=True) for block in content]
