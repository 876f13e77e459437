"""Checks that the operator's own services answer, once, before anything is started."""

import psycopg
import redis
from django.conf import settings
from django.db import connection

from cofounder.config import environment

SECONDS = 5


class Unreachable(Exception):
    """A service the environment names does not answer."""


def need_named_services() -> None:
    """Raise `Unreachable`, with the reason, when `DATABASE_URL` or `REDIS_URL` does not work."""
    if not environment.is_embedded("DATABASE_URL"):
        _need_database()
    if not environment.is_embedded("REDIS_URL"):
        _need_redis()


def _need_database() -> None:
    parameters = {**connection.get_connection_params(), "connect_timeout": SECONDS}
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        raise Unreachable(_sentence("PostgreSQL", "DATABASE_URL", error)) from error


def _need_redis() -> None:
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        )
        with client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise Unreachable(_sentence("Redis", "REDIS_URL", error)) from error


def _sentence(service: str, name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0].rstrip(".")
    return (
        f"The {service} that {name} names cannot be used: {reason}. "
        f"Start it, correct {name}, or leave it unset for the embedded one."
    )
