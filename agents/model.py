"""The model: Anthropic's Messages API, streamed, with a retry loop of our own.

The SDK's own retries are off. They honour a `retry-after` of any length, never retry an overload in the
middle of a stream, and treat a stream that ends early as complete.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import httpx2
import structlog
from anthropic import omit
from anthropic.types.beta import BetaRawMessageDeltaEvent, BetaRawMessageStartEvent, BetaUsage
from django.conf import settings

from agents.errors import AgentError
from agents.turns import Block, Spent, Turn, Usage

log = structlog.get_logger(__name__)

BETAS = ["compact-2026-09-04"]
SPEND_LIMIT_CODES = frozenset(
    {"enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"}
)
PASSING_ERRORS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
PASSING_STATUSES = frozenset({408, 409, 429})


class ModelRefused(AgentError):
    """The provider does not accept this call; repeating it would not help."""


class ProviderUnavailable(AgentError):
    """The provider could not be reached for some time."""

    retryable = True


class StreamCut(AgentError):
    """The stream ended before the answer was complete."""

    retryable = True


@dataclass(frozen=True)
class Patience:
    """How long a call waits, in seconds."""

    deadline: float = 600.0  # how long a call is retried before the session pauses
    stall: float = 90.0  # the longest silence in a stream
    first_pause: float = 0.5
    longest_pause: float = (
        30.0  # between our attempts; a longer one that the provider asks for is capped at twice this
    )


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


@dataclass
class Meter:
    """The tokens a call has used so far, over all its attempts, so that failed attempts are billed too."""

    earlier: list[Usage] = field(default_factory=list)
    current: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        return Spent.on([used for used in (*self.earlier, self.current) if used != Usage()])

    def new_attempt(self) -> None:
        self.earlier.append(self.current)
        self.current = Usage()


TRANSIENT = (
    anthropic.AnthropicError,
    httpx2.HTTPError,
    StreamCut,
    TimeoutError,
)  # possibly; see `is_passing`


class Sink(Protocol):
    """Called before each pause, with the reason and the number of the attempt that failed."""

    def __call__(self, reason: str, attempt: int) -> Awaitable[None]: ...


class AnthropicModel:
    """One client per event loop. `meter` holds the usage of the current call, also after it has failed."""

    def __init__(self, on_wait: Sink, patience: Patience = Patience()) -> None:
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.ANTHROPIC_API_KEY,
            base_url=settings.ANTHROPIC_BASE_URL,
            max_retries=0,
            timeout=httpx2.Timeout(patience.deadline, connect=5, read=patience.stall),
        )
        self._on_wait = on_wait
        self._patience = patience
        self.meter = Meter()

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, request: Request) -> Turn:
        """The model's next turn.

        Raises `ModelRefused` when a retry cannot help, `ProviderUnavailable` when there was no answer before
        the deadline.
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
                await self._on_wait(reason_of(error), attempt)
                self.meter.new_attempt()
                await asyncio.sleep(pause)

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


def usage_of(usage: BetaUsage) -> Usage:
    """The SDK's usage as ours. A compaction's tokens are only in `iterations`, never in the totals."""
    split = usage.cache_creation
    written = usage.cache_creation_input_tokens or 0
    long_lived = split.ephemeral_1h_input_tokens if split else 0
    total = Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_write_5m_tokens=written - long_lived,
        cache_write_1h_tokens=long_lived,
        cache_read_tokens=usage.cache_read_input_tokens or 0,
    )
    for iteration in usage.iterations or []:
        if iteration.type == "compaction":
            total += Usage(
                input_tokens=iteration.input_tokens,
                output_tokens=iteration.output_tokens,
                cache_write_5m_tokens=iteration.cache_creation_input_tokens or 0,
                cache_read_tokens=iteration.cache_read_input_tokens or 0,
            )
    return total


def pause_before_retry(
    error: Exception, attempt: int, patience: Patience, jitter: Callable[[], float] = random.random
) -> float:
    """Seconds to wait before the next attempt. Raises `ModelRefused` if another attempt would not help."""
    if not is_passing(error):
        raise ModelRefused(reason_of(error)) from error
    backoff = min(patience.longest_pause, patience.first_pause * 2 ** min(attempt - 1, 20))
    return float(max(backoff * (0.75 + jitter() / 4), min(_retry_after(error), 2 * patience.longest_pause)))


def is_passing(error: Exception) -> bool:
    """Whether the error is transient: another attempt may succeed."""
    if isinstance(error, StreamCut | TimeoutError | httpx2.HTTPError | anthropic.APIConnectionError):
        return True
    if not isinstance(error, anthropic.APIStatusError):
        return False
    if error.status_code == httpx2.codes.OK:  # an error event in the middle of a stream
        return error.type in PASSING_ERRORS
    if error.error_code in SPEND_LIMIT_CODES:
        return False
    return error.status_code in PASSING_STATUSES or error.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR


def _retry_after(error: Exception) -> float:
    if not isinstance(error, anthropic.APIStatusError):
        return 0.0
    try:
        return float(error.response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def reason_of(error: Exception) -> str:
    if isinstance(error, anthropic.APIStatusError):
        return error.api_message or error.message
    return str(error) or type(error).__name__
