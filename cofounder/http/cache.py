"""The cache, which counts for the rate limits. Without Redis nothing is counted, and nothing refused."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)

SECONDS = 0.3  # the longest a request waits for Redis
OPTIONS = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, "retry": Retry(NoBackoff(), 0)}


class OpenCache(RedisCache):
    """Django's Redis cache; while Redis is down, it is empty and ignores what is written to it."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**OPTIONS, **params.get("OPTIONS", {})}})

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        return bool(_open(lambda: super(OpenCache, self).add(key, value, *args, **options), True))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _open(lambda: super(OpenCache, self).get(key, default, version), default)

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        _open(lambda: super(OpenCache, self).set(key, value, *args, **options), None)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(_open(lambda: super(OpenCache, self).delete(key, version), False))


def _open(operation: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return operation()
    except RedisError as error:
        log.warning("cache.away", error=repr(error))
        return otherwise
