"""When a model call is tried again, and how long to wait before it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import anthropic
import httpx2

from agents.errors import AgentError

SPEND_LIMIT_CODES = frozenset(
    {"enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"}
)
TRANSIENT_ERRORS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
TRANSIENT_STATUSES = frozenset({408, 409, 429})


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


TRANSIENT = (
    anthropic.AnthropicError,
    httpx2.HTTPError,
    StreamCut,
    TimeoutError,
)  # possibly; see `is_transient`


def pause_before_retry(
    error: Exception, attempt: int, patience: Patience, jitter: Callable[[], float] = random.random
) -> float:
    """Seconds to wait before the next attempt. Raises `ModelRefused` if another attempt would not help."""
    if not is_transient(error):
        raise ModelRefused(reason_of(error)) from error
    backoff = min(patience.longest_pause, patience.first_pause * 2 ** min(attempt - 1, 20))
    return float(max(backoff * (0.75 + jitter() / 4), min(_retry_after(error), 2 * patience.longest_pause)))


def is_transient(error: Exception) -> bool:
    """Whether the error is transient: another attempt may succeed."""
    if isinstance(error, StreamCut | TimeoutError | httpx2.HTTPError | anthropic.APIConnectionError):
        return True
    if not isinstance(error, anthropic.APIStatusError):
        return False
    if error.status_code == httpx2.codes.OK:  # an error event in the middle of a stream
        return error.type in TRANSIENT_ERRORS
    if error.error_code in SPEND_LIMIT_CODES:
        return False
    return error.status_code in TRANSIENT_STATUSES or error.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR


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
