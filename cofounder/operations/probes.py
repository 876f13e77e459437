"""What machines ask a web process: is it alive, is it ready, and what are its metrics."""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor

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

REDIS_SECONDS = 0.4
DATABASE_SECONDS = 0.5  # together they stay within a second, which is what load balancers wait for
WRITTEN = "cofounder:readyz"

_migrated = False  # once true, it stays true: a process never sees an older database than its own
_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")
_asked: Future[str] | None = None  # the question that a silent database has not answered yet


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


def database(seconds: float = DATABASE_SECONDS) -> str:
    """`ok`, `not migrated`, or `unreachable`: also when there is no answer within these seconds.

    A database that says nothing is asked by one thread at a time, however often the probe comes.
    """
    global _asked
    if _asked is None or _asked.done():
        _asked = _asking.submit(_ask_database)
    try:
        return _asked.result(timeout=seconds)
    except TimeoutError:
        return "unreachable"


def _ask_database() -> str:
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            _migrated = not unapplied_migrations()
    except (DatabaseError, PoolTimeout):
        return "unreachable"
    finally:
        connection.close()
    return "ok" if _migrated else "not migrated"


def unapplied_migrations() -> list[str]:
    """Those that `manage.py migrate` would apply, as app.name."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def reachable_redis(seconds: float = REDIS_SECONDS) -> str:
    """`ok`, or `degraded` when it does not take a write within these seconds."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            client.set(WRITTEN, 1, px=1000)
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
