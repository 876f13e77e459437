"""A fault: a way in which a request to the sandboxes' provider fails on request.

    {"kind": "server_error", "on": "timeout"}
    {"kind": "busy", "on": "create", "times": 3, "retry": false, "job": "<metadata.job>"}

`on` says which requests: `create`, `connect` (also what resumes), `pause`, `timeout`, `kill`, `list` of the
control plane, `files` and `process` of envd, or `any` of them. `job` limits it to the sandboxes of one job.
Refusals, by HTTP status, are those of `REFUSALS` below; `retry: false` tells the SDK not to repeat the call.
`not_json` answers 200 with a page of HTML, `not_whole` with a part of the answer's fields; `torn` breaks the
connection after `after` parts of the answer, `cut` ends it there as if it were whole; `slow` waits `seconds`
before it answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

# The HTTP status, Connect's code for it, and what E2B says.
REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "bad_request": (400, "invalid_argument", "Timeout cannot be greater than 1 hours"),
    "max_length": (400, "invalid_argument", "Max instance length exceeded"),
    "unauthorized": (401, "unauthenticated", "Invalid API key"),
    "forbidden": (403, "permission_denied", "The team is blocked: its bill is not paid"),
    "not_found": (404, "not_found", "It was not found"),
    "timed_out": (408, "deadline_exceeded", "The request took too long"),
    "changing_state": (409, "aborted", "The sandbox is changing state"),
    "gone": (410, "not_found", "The sandbox was killed"),
    "rate_limited": (429, "resource_exhausted", "The maximum number of concurrent E2B sandboxes is reached"),
    "server_error": (500, "internal", "Error when setting sandbox timeout"),
    "no_confinement": (501, "unimplemented", "Commands cannot be confined on this machine"),
    "bad_gateway": (502, "unavailable", "The connection to the node was lost"),
    "busy": (503, "unavailable", "No node has room for another sandbox"),
    "gateway_timeout": (504, "unavailable", "The upstream did not answer"),
}
KINDS = frozenset({*REFUSALS, "not_json", "not_whole", "torn", "cut", "slow"})
PLACES = frozenset({"create", "connect", "pause", "timeout", "kill", "list", "files", "process", "any"})


class FaultError(ValueError):
    """The fault is not valid."""


@dataclass(frozen=True)
class Fault:
    """One way to fail, for the next `times` requests that it is meant for."""

    kind: str
    on: str = "any"
    times: int = 1
    job: str | None = None
    retry: bool = True
    after: int = 1
    seconds: float = 5.0

    @classmethod
    def parse(cls, value: object) -> "Fault":
        """Read a fault from JSON or YAML; raises FaultError."""
        if not isinstance(value, dict):
            raise FaultError(f"A fault of the sandbox is a mapping, not {value!r:.60}.")
        allowed = {field.name for field in fields(cls)}
        if unknown := {str(key) for key in value} - allowed:
            raise FaultError(f"A fault of the sandbox has no {', '.join(sorted(unknown))}.")
        for name, among in (("kind", KINDS), ("on", PLACES)):
            if value.get(name, "any") not in among:
                raise FaultError(f"{name} is one of {', '.join(sorted(among))}, not {value.get(name)!r:.60}.")
        for name in ("times", "after", "seconds"):
            number = value.get(name, 0)
            if isinstance(number, bool) or not isinstance(number, int | float) or number < 0:
                raise FaultError(f"{name} is a number that is not negative, not {number!r:.60}.")
        return cls(**value)

    def fits(self, place: str, job: str | None) -> bool:
        return self.on in ("any", place) and self.job in (None, job)
