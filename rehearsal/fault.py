"""A fault: a way in which a request to the rehearsal model fails on request.

    {"kind": "overloaded"}
    {"kind": "rate_limited", "retry_after": 2, "error_code": "enforced_spend_limit_reached", "times": 3}
    {"kind": "cut", "after_events": 5, "match": "<metadata.user_id>"}

Before the answer starts (HTTP status): `rate_limited` 429, `overloaded` 529, `server_error` 500,
`unavailable` 503, `gateway_timeout` 504, `timed_out` 408, `conflict` 409; and for what only the operator can
mend `unauthorized` 401, `payment_required` 402, `forbidden` 403, `unknown_model` 404, `no_credit` 400,
`workspace_limit` 400; `bad_request` 400, `too_long` 400 and `too_large` 413 are about the request itself.
In mid-stream, after `after_events` events: `stream_error` (an `error` event, overloaded), `cut` (the stream
ends normally, but before message_stop), `torn` (the connection breaks), `stall` (nothing more for `seconds`,
then the connection breaks).
`stop`: the turn ends before its tool calls with `stop_reason`, one of refusal, max_tokens, pause_turn and
model_context_window_exceeded; the step is played again afterwards.
`odd`: the answer is odd in the way that `what` says (rehearsal/anthropic_api/oddities.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

HTTP_FAULTS: Mapping[str, tuple[int, str, str]] = {
    "rate_limited": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server_error": (500, "api_error", "Internal server error"),
    "unavailable": (503, "api_error", "Service unavailable"),
    "gateway_timeout": (504, "timeout_error", "Gateway timeout"),
    "timed_out": (408, "timeout_error", "Request timed out"),
    "conflict": (409, "invalid_request_error", "Conflict"),
    "payment_required": (402, "billing_error", "Your credit balance is too low."),
    "unauthorized": (401, "authentication_error", "invalid x-api-key"),
    "forbidden": (403, "permission_error", "Your API key does not have permission to use the model."),
    "unknown_model": (404, "not_found_error", "model: the-model"),
    "no_credit": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
    ),
    "workspace_limit": (
        400,
        "invalid_request_error",
        "You have reached your specified workspace API usage limits.",
    ),
    "bad_request": (400, "invalid_request_error", "messages.1: this is not valid in rehearsal"),
    "too_long": (400, "invalid_request_error", "prompt is too long: 1000001 tokens > 1000000 maximum"),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
}
STREAM_FAULTS = frozenset({"stream_error", "cut", "torn", "stall"})
STOP_REASONS = frozenset({"refusal", "max_tokens", "pause_turn", "model_context_window_exceeded"})
KINDS = frozenset({*HTTP_FAULTS, *STREAM_FAULTS, "stop", "odd"})
# Of an answer without its tool calls, whose step is played again afterwards.
ODD_WITHOUT_CALLS = frozenset({"empty", "blank_text", "thinking_only", "calls_missing", "newer_stop"})
# Of a whole answer.
ODD_WITH_CALLS = frozenset(
    {
        *("same_block_twice", "same_id", "fixed_id", "dotted_name", "no_name", "input_text", "input_list"),
        *("input_broken", "input_cut", "half_character", "end_turn_with_calls", "stop_sequence_with_calls"),
        *("newer_event", "newer_first_event", "newer_block", "newer_delta", "no_usage", "null_usage"),
        *("odd_usage", "usage_not_adding_up", "no_message_stop", "stop_without_reason", "not_json"),
        *("no_block_stop", "calls_before_thinking", "split_character"),
    }
)
# Of the answer to a request for a summary.
ODD_SUMMARIES = frozenset(
    {"summary_empty", "summary_cut", "summary_refused", "summary_calls", "summary_ended", "summary_blank"}
)
ODDITIES = ODD_WITHOUT_CALLS | ODD_WITH_CALLS | ODD_SUMMARIES


class FaultError(ValueError):
    """The fault is not valid."""


@dataclass(frozen=True)
class Fault:
    """One way to fail, for the next `times` requests (of the user `match`, if given)."""

    kind: str
    times: int = 1
    retry_after: float | None = None
    error_code: str | None = None
    after_events: int = 4
    seconds: float = 3600.0
    stop_reason: str = "refusal"
    what: str = "empty"
    match: str | None = None

    @classmethod
    def parse(cls, value: object) -> "Fault":
        """Read a fault from JSON or YAML; raises FaultError."""
        if not isinstance(value, dict):
            raise FaultError(f"A fault is a mapping, not {value!r:.60}.")
        allowed = {field.name for field in fields(cls)}
        if unknown := {str(key) for key in value} - allowed:
            raise FaultError(
                f"A fault has no {', '.join(sorted(unknown))} (there are {', '.join(sorted(allowed))})."
            )
        if value.get("kind") not in KINDS:
            raise FaultError(
                f"A fault's kind is one of {', '.join(sorted(KINDS))}, not {value.get('kind')!r:.60}."
            )
        if value.get("stop_reason", "refusal") not in STOP_REASONS:
            raise FaultError(f"A stop fault's stop_reason is one of {', '.join(sorted(STOP_REASONS))}.")
        if value.get("what", "empty") not in ODDITIES:
            raise FaultError(f"An odd fault's what is one of {', '.join(sorted(ODDITIES))}.")
        _check_numbers(value)
        return cls(**value)


def _check_numbers(value: dict[str, object]) -> None:
    for name, kinds in (
        ("times", int),
        ("after_events", int),
        ("retry_after", (int, float)),
        ("seconds", (int, float)),
    ):
        number = value.get(name, 0)
        if number is not None and (isinstance(number, bool) or not isinstance(number, kinds) or number < 0):
            raise FaultError(f"A fault's {name} is a number that is not negative, not {number!r:.60}.")
