"""When a model call is tried again, and how long to wait before it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import anthropic
import httpx2

from agents.errors import AgentError, Trouble
from agents.stops import ContextFull

SPEND_LIMIT_CODES = frozenset(
    {"enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"}
    | {"linked_organization_spend_limit_reached"}
)
TRANSIENT_STATUSES = frozenset({408, 409, 429, 499})

# The kinds of error that another attempt cannot mend, by the API's own type, else by the HTTP status.
_BY_TYPE = {
    "authentication_error": Trouble.MODEL_KEY,
    "permission_error": Trouble.MODEL_PERMISSION,
    "billing_error": Trouble.MODEL_CREDIT,
    "not_found_error": Trouble.MODEL_UNKNOWN,
    "request_too_large": Trouble.MODEL_FULL,
    "invalid_request_error": Trouble.MODEL_REQUEST,
}
_BY_STATUS = {
    401: Trouble.MODEL_KEY,
    402: Trouble.MODEL_CREDIT,
    403: Trouble.MODEL_PERMISSION,
    404: Trouble.MODEL_UNKNOWN,
    413: Trouble.MODEL_FULL,
}
# For these the API answers 400 `invalid_request_error` without a code: only its words tell them apart.
_BY_WORDS = (
    ("credit balance", Trouble.MODEL_CREDIT),
    ("usage limits", Trouble.MODEL_SPEND_LIMIT),
    ("spend limit", Trouble.MODEL_SPEND_LIMIT),
    ("prompt is too long", Trouble.MODEL_FULL),
    ("exceed context limit", Trouble.MODEL_FULL),
    ("exceeds the maximum size", Trouble.MODEL_FULL),
)


class ModelRefused(AgentError):
    """The provider does not accept this call; repeating it at once would not help."""

    def __init__(self, trouble: Trouble, said: str) -> None:
        super().__init__(said)
        self.trouble = trouble


class ProviderUnavailable(AgentError):
    """The provider could not be reached for some time."""

    retryable = True


class StreamFailed(AgentError):
    """The provider ended the stream with an error; `type` is the API's name for it."""

    def __init__(self, error_type: str, said: str) -> None:
        super().__init__(said)
        self.type = error_type


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
    StreamFailed,
    TimeoutError,
)  # possibly; see `trouble_of`


def pause_before_retry(
    error: Exception, attempt: int, patience: Patience, jitter: Callable[[], float] = random.random
) -> float:
    """Seconds to wait before the next attempt.

    Raises `ModelRefused` if another attempt would not help, `ContextFull` if a shorter request might.
    """
    trouble = trouble_of(error)
    if trouble == Trouble.MODEL_FULL:
        raise ContextFull(reason_of(error)) from error
    if trouble is not None:
        raise ModelRefused(trouble, reason_of(error)) from error
    backoff = min(patience.longest_pause, patience.first_pause * 2 ** min(attempt - 1, 20))
    return float(max(backoff * (0.75 + jitter() / 4), min(_retry_after(error), 2 * patience.longest_pause)))


def trouble_of(error: Exception) -> Trouble | None:
    """What is wrong, or None if it may pass by itself: another attempt may succeed."""
    if isinstance(error, StreamFailed):
        return _by_words(reason_of(error)) or _BY_TYPE.get(error.type)
    if not isinstance(error, anthropic.APIStatusError):
        return None
    if error.error_code in SPEND_LIMIT_CODES:
        return Trouble.MODEL_SPEND_LIMIT
    status = error.status_code
    if status in TRANSIENT_STATUSES or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return None
    by_words = _by_words(reason_of(error)) if status == httpx2.codes.BAD_REQUEST else None
    return by_words or _BY_STATUS.get(status) or _BY_TYPE.get(error.type or "") or Trouble.MODEL_REQUEST


def _by_words(said: str) -> Trouble | None:
    return next((trouble for words, trouble in _BY_WORDS if words in said.lower()), None)


def _retry_after(error: Exception) -> float:
    if not isinstance(error, anthropic.APIStatusError):
        return 0.0
    try:
        seconds = float(error.response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0
    return seconds if seconds > 0 else 0.0  # also for "nan"


def reason_of(error: Exception) -> str:
    if isinstance(error, anthropic.APIStatusError):
        return error.api_message or error.message
    return str(error) or type(error).__name__
