"""What machines ask a web process: is it alive, is it ready, and what are its metrics."""

import secrets

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from psycopg_pool import PoolTimeout
from redis.backoff import NoBackoff
from redis.retry import Retry

from cofounder.operations.metrics import INSTALL

REDIS_SECONDS = 0.5

_migrated = False  # once true, it stays true: a process never sees an older database than its own


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is checked, so that a short database outage restarts nothing."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """503 while the database is down or not migrated; without Redis the site works, a little slower."""
    parts = {"database": database(), "redis": reachable_redis()}
    if parts["database"] != "ok":
        return JsonResponse({"status": "unavailable", **parts}, status=503)
    return JsonResponse({"status": "ok" if parts["redis"] == "ok" else "degraded", **parts})


def database() -> str:
    """`ok`, `unreachable`, or `not migrated`."""
    global _migrated
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            _migrated = not unapplied_migrations()
    except (DatabaseError, PoolTimeout):
        return "unreachable"
    return "ok" if _migrated else "not migrated"


def unapplied_migrations() -> list[str]:
    """Those that `manage.py migrate` would apply, as app.name."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def reachable_redis(seconds: float = REDIS_SECONDS) -> str:
    """`ok` or `degraded`, within these seconds."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            client.ping()
    except (redis.RedisError, OSError):
        return "degraded"
    return "ok"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this process and of the install. 404 without the token."""
    if not _may_measure(request):
        raise Http404
    return HttpResponse(
        generate_latest(REGISTRY) + generate_latest(INSTALL), content_type=CONTENT_TYPE_LATEST
    )


def _may_measure(request: HttpRequest) -> bool:
    token, given = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    return bool(token) and secrets.compare_digest(given.encode(), f"Bearer {token}".encode())
