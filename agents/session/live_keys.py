"""The live keys: copies of a session's state in Redis, for outside readers.

The database rows are authoritative: this system never reads the keys, so a failed write is only logged.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from jobs import clock

log = structlog.get_logger(__name__)

STATE_SECONDS = 90_000
BUDGET_SECONDS = 90
TIMEOUT_SECONDS = 0.3
PAUSE_SECONDS = 0.02  # to collect budgets that are then published together

_beside = ThreadPoolExecutor(1, thread_name_prefix="live-keys")
_waiting: dict[UUID, int] = {}
_waiting_lock = Lock()


def _key(session_id: UUID, name: str) -> str:
    return f"cofounder:agent:{session_id}:{name}"


def set_state(session_id: UUID, state: str, wake_at: datetime | None = None) -> None:
    """Publish the state, and when it wakes up (ISO 8601, UTC; that key expires then)."""

    def fill(pipe: Any) -> None:
        pipe.set(_key(session_id, "state"), state, ex=STATE_SECONDS)
        if wake_at is None:
            pipe.delete(_key(session_id, "wake_at"))
        else:
            seconds = (clock.to_real(wake_at) - clock.to_real(clock.now())).total_seconds()
            pipe.set(_key(session_id, "wake_at"), wake_at.isoformat(), ex=max(1, round(seconds)))

    _publish(fill, session_id=str(session_id))


def set_budget(percents: Mapping[UUID, int]) -> None:
    """Publish, for each session, how much of its founder's day is used, in percent (0 to 100)."""

    def fill(pipe: Any) -> None:
        for session_id, percent in percents.items():
            pipe.set(_key(session_id, "budget_pct"), percent, ex=BUDGET_SECONDS)

    _publish(fill, sessions=len(percents))


def _publish(fill: Callable[[Any], None], **about: Any) -> None:
    """Send what `fill` puts into a pipeline."""
    import redis  # with the first key: every process imports this module, and few write keys

    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            fill(pipe)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("live.failed", **about, error=repr(error))


@cache
def _client(url: str) -> Any:
    from redis import Redis

    return Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


def set_budget_soon(session_id: UUID, percent: int) -> None:
    """Publish a percentage without waiting for Redis, together with others that follow within a moment."""
    with _waiting_lock:
        _waiting[session_id] = percent
        is_first = len(_waiting) == 1
    if is_first:
        _beside.submit(_set_waiting_budgets)


def _set_waiting_budgets() -> None:
    time.sleep(PAUSE_SECONDS)
    with _waiting_lock:
        percents = dict(_waiting)
        _waiting.clear()
    set_budget(percents)
