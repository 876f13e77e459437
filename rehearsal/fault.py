"""A fault: a way in which a request to the rehearsal model fails on request.

    {"kind": "overloaded"}
    {"kind": "rate_limited", "retry_after": 2, "error_code": "enforced_spend_limit_reached", "times": 3}
    {"kind": "cut", "after_events": 5, "match": "<metadata.user_id>"}

Before the answer starts (HTTP status): `rate_limited` 429, `overloaded` 529, `server_error` 500,
`unavailable` 503, `payment_required` 402.
In mid-stream, after `after_events` events: `stream_error` (an `error` event, overloaded), `cut` (the stream
ends normally, but before message_stop), `torn` (the connection breaks), `stall` (nothing more for `seconds`,
then the connection breaks).
`stop`: the turn ends before its tool calls with `stop_reason`, one of refusal, max_tokens, pause_turn and
model_context_window_exceeded; the step is played again afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

HTTP_FAULTS: Mapping[str, tuple[int, str, str]] = {
    "rate_limited": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server_error": (500, "api_error", "Internal server error"),
    "unavailable": (503, "api_error", "Service unavailable"),
    "payment_required": (402, "billing_error", "Your credit balance is too low."),
}
STREAM_FAULTS = frozenset({"stream_error", "cut", "torn", "stall"})
STOP_REASONS = frozenset({"refusal", "max_tokens", "pause_turn", "model_context_window_exceeded"})
KINDS = frozenset({*HTTP_FAULTS, *STREAM_FAULTS, "stop"})


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
