"""Checks of PostgreSQL (tables, queue, clock), Redis, the file storages and the encryption keys."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import redis
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from agents.failures.waiting import for_the_operator
from cofounder.config import environment
from cofounder.install import embedded
from cofounder.operations import probes
from cofounder.operations.doctor.finding import SECONDS, Finding, fail, first_line, ok, warn
from jobs import clock, queue
from jobs.models import Clock, ProjectSecret

OLDEST_POSTGRES = 14
SKEW_SECONDS = 2.0
OVERDUE = timedelta(minutes=1)
MOST_SECRETS = 100  # how many are checked


def look_at_postgres() -> Iterator[Finding]:
    embedded.point_django_at(settings.DATA_DIR)
    parameters = {**connection.get_connection_params(), "connect_timeout": SECONDS}
    try:
        with psycopg.connect(**parameters) as plain:
            version = plain.info.server_version // 10_000
            most = plain.execute("SHOW max_connections").fetchone()
    except psycopg.Error as error:
        if environment.is_embedded("DATABASE_URL"):
            fix = "Start the install with `manage.py up`, or set DATABASE_URL."
        else:
            fix = "Start PostgreSQL, or correct DATABASE_URL: postgresql://user:password@host/name."
        yield fail("PostgreSQL", f"does not answer: {first_line(error)}", fix)
        return
    if version < OLDEST_POSTGRES:
        yield fail("PostgreSQL", f"is version {version}", f"Use version {OLDEST_POSTGRES} or newer.")
    else:
        yield ok("PostgreSQL", f"version {version}, at most {most[0] if most else '?'} connections")


def look_at_redis() -> Iterator[Finding]:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)
    try:
        with client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        where = "`manage.py up` starts one" if environment.is_embedded("REDIS_URL") else "correct REDIS_URL"
        fix = f"Start Redis: {where}. Until then pages poll every two seconds, and nothing is lost."
        yield fail("Redis", f"does not answer: {first_line(error)}", fix)
    else:
        yield ok("Redis", "answers")


def look_at_migrations() -> Iterator[Finding]:
    missing = probes.unapplied_migrations()
    if missing:
        said = f"{len(missing)} not applied, the first is {missing[0]}"
        yield fail("migrations", said, "Run `manage.py migrate`.")
    else:
        yield ok("migrations", "all applied")


def look_at_queue() -> Iterator[Finding]:
    workers = queue.living_workers()
    waiting, oldest = queue.backlog()
    if not workers:
        yield fail(
            "workers", "none has reported lately", "Start one: `manage.py run_worker` (or `manage.py up`)."
        )
    else:
        yield ok("workers", f"{workers} alive")
    if oldest > OVERDUE:
        fix = "Add a worker, or raise its --concurrency; see `manage.py agent_status`."
        yield warn("queue", f"{waiting} tasks wait, the oldest for {oldest.total_seconds():.0f} s", fix)
    else:
        yield ok("queue", "nothing is overdue")


def look_at_storage() -> Iterator[Finding]:
    """Writes, reads and deletes a small file in both storages."""
    fix = "Check PROJECT_SNAPSHOT_BUCKET, AWS_ENDPOINT_URL_S3 and the AWS_ credentials and their rights: "
    fix += "PutObject, GetObject, DeleteObject, ListBucket."
    if not settings.PROJECT_SNAPSHOT_BUCKET:
        fix = f"Let this user write below {settings.DATA_DIR}, or set PROJECT_SNAPSHOT_BUCKET."
    for alias in ("snapshots", "default"):
        part, content = f"storage {alias}", secrets.token_bytes(64)
        try:
            _write_read_delete(alias, content)
        except Exception as error:  # noqa: BLE001  # each storage has exceptions of its own; all mean the same here
            yield fail(part, f"does not work: {first_line(error)}", fix)
        else:
            where = settings.PROJECT_SNAPSHOT_BUCKET or settings.DATA_DIR
            yield ok(part, f"writes, reads and deletes in {where}")


def _write_read_delete(alias: str, content: bytes) -> None:
    storage = storages[alias]
    name = storage.save(f"doctor/{secrets.token_hex(8)}.bin", ContentFile(content))
    try:
        with storage.open(name) as stored:
            if stored.read() != content:
                raise OSError("what was read is not what was written")
    finally:
        storage.delete(name)
    if storage.exists(name):
        raise OSError("what was deleted is still there")


def look_at_troubles() -> Iterator[Finding]:
    """Builds that sleep because of something that only the operator can mend."""
    for kind in for_the_operator():
        since = f" since {kind.since:%Y-%m-%d %H:%M} UTC" if kind.since else ""
        said = f"{kind.builds} wait for you{since}; the last was told: {kind.said}"
        yield fail(f"builds: {kind.trouble}", said, kind.fix)


def look_at_clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    skew = abs((theirs - before).total_seconds())
    if skew > SKEW_SECONDS:
        yield fail("clock", f"differs from the database's by {skew:.0f} s", "Keep both in time with NTP.")
    elif settings.MOVABLE_CLOCK and Clock.objects.exists():
        shown = f"{clock.now():%Y-%m-%d %H:%M} UTC at speed {clock.speed():g}"
        yield warn("clock", f"is moved: {shown}", "Set DEBUG=false: without it, days are real days.")
    else:
        yield ok("clock", f"agrees with the database's within {skew:.2f} s")


def look_at_keys() -> Iterator[Finding]:
    """Check that the keys of this environment can decrypt what is in the database."""
    try:
        count = len(ProjectSecret.objects.only("value")[:MOST_SECRETS])
    except InvalidToken:
        fix = "Add the key they were encrypted with to FIELD_ENCRYPTION_KEYS."
        yield fail("encryption keys", "they cannot decrypt founders' secrets", fix)
    else:
        yield ok("encryption keys", "they decrypt founders' secrets" if count else "no secret is stored yet")
