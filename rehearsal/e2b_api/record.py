"""What is known about a sandbox, and the file that keeps it across restarts of the server."""

import json
import secrets
import string
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .errors import InvalidArgument

ENVD_VERSION = "0.6.9"
DEFAULT_TIMEOUT = 300
FILE = "meta.json"
ALPHABET = string.ascii_lowercase + string.digits

State = Literal["running", "paused"]


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """An id that can be part of a host name."""
    return "i" + "".join(secrets.choice(ALPHABET) for _ in range(19))


@dataclass
class Record:
    """A sandbox without its processes; times are ISO 8601 in UTC."""

    id: str
    template: str
    started_at: str
    end_at: str
    state: State = "running"
    metadata: dict[str, str] = field(default_factory=dict)
    envs: dict[str, str] = field(default_factory=dict)
    access_token: str = field(default_factory=lambda: secrets.token_hex(16))
    auto_pause: bool = False
    auto_pause_memory: bool = True
    auto_resume: bool = False
    allow_internet_access: bool | None = None
    idempotency_key: str | None = None

    @classmethod
    def load(cls, directory: Path) -> "Record":
        return cls(**json.loads((directory / FILE).read_text()))

    def save(self, directory: Path) -> None:
        """Write it so that a reader sees the old or the new version, never half of one."""
        draft = directory / f"{FILE}.new"
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(directory / FILE)

    @property
    def ends(self) -> datetime:
        return datetime.fromisoformat(self.end_at)


def parse_timeout(body: dict[str, Any]) -> int:
    """The requested lifetime, in seconds."""
    timeout = body.get("timeout", DEFAULT_TIMEOUT)
    if not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 0:
        raise InvalidArgument("timeout must be a whole number of seconds, 0 or more")
    return timeout


def parse_names(body: dict[str, Any], key: str) -> dict[str, str]:
    """A mapping of text to text, such as metadata or environment variables."""
    names = body.get(key) or {}
    if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
        raise InvalidArgument(f"{key} must be an object of strings")
    return names


def parse_new(body: dict[str, Any], idempotency_key: str | None) -> Record:
    """The record of a sandbox to be created; end_at is set when it starts."""
    template = body.get("templateID")
    if not isinstance(template, str) or not template:
        raise InvalidArgument("templateID is missing")
    started = now().isoformat()
    return Record(
        id=new_id(),
        template=template,
        started_at=started,
        end_at=started,
        metadata=parse_names(body, "metadata"),
        envs=parse_names(body, "envVars"),
        auto_pause=bool(body.get("autoPause", False)),
        auto_pause_memory=bool(body.get("autoPauseMemory", True)),
        auto_resume=bool((body.get("autoResume") or {}).get("enabled", False)),
        allow_internet_access=body.get("allow_internet_access"),
        idempotency_key=idempotency_key,
    )
