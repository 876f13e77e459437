"""The live keys: copies in Redis of what a session is doing, for whoever reads them there.

The rows are the truth. A key that cannot be written is missed by nobody but an outside reader.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from threading import Lock
from uuid import UUID

import redis
import structlog
from django.conf import settings

from jobs import clock

log = structlog.get_logger(__name__)

STATE_SECONDS = 90_000
BUDGET_SECONDS = 90
TIMEOUT_SECONDS = 0.3
PAUSE_SECONDS = 0.02  # in which budgets gather to be published together

_beside = ThreadPoolExecutor(1, thread_name_prefix="live-keys")
_waiting: dict[UUID, int] = {}
_waiting_lock = Lock()


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


def _key(session_id: UUID, name: str) -> str:
    return f"cofounder:agent:{session_id}:{name}"


def set_state(session_id: UUID, state: str, wake_at: datetime | None = None) -> None:
    """Publish the state, and until when it sleeps (ISO 8601, UTC; the key lives until then)."""
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            pipe.set(_key(session_id, "state"), state, ex=STATE_SECONDS)
            if wake_at is None:
                pipe.delete(_key(session_id, "wake_at"))
            else:
                seconds = (clock.to_real(wake_at) - clock.to_real(clock.now())).total_seconds()
                pipe.set(_key(session_id, "wake_at"), wake_at.isoformat(), ex=max(1, round(seconds)))
            pipe.execute()
    except redis.RedisError as error:
        log.warning("live.failed", session_id=str(session_id), error=repr(error))


def set_budget(percents: Mapping[UUID, int]) -> None:
    """Publish how much of each session's day is used, 0 to 100."""
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            for session_id, percent in percents.items():
                pipe.set(_key(session_id, "budget_pct"), percent, ex=BUDGET_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("live.failed", sessions=len(percents), error=repr(error))


def set_budget_soon(session_id: UUID, percent: int) -> None:
    """Publish it without waiting for Redis, together with what else comes up in the next moment."""
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
