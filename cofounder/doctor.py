"""The doctor: looks at every part an install needs, and names the fix of what is not well."""

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import anthropic
import httpx2
import psycopg
import redis
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core import checks, mail
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from agents import prices, provider, screenshots
from agents.errors import SandboxError
from agents.models import PlanTier, Subscription
from cofounder import embedded, environment, probes
from jobs import clock
from jobs.models import Clock, ProjectSecret

SECONDS = 10  # for each answer from outside
OLDEST_POSTGRES = 14
SKEW_SECONDS = 2.0
ALIVE_SECONDS = 10
OVERDUE_SECONDS = 60.0
MOST_SECRETS = 100  # that are looked at
QUIET_MAIL = ("console", "locmem", "dummy", "filebased")


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but look at it
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was found of one part, and, where it is not well, what to do."""

    part: str
    level: Level
    said: str
    fix: str = ""


Look = Callable[[], Iterable[Finding]]


def examine() -> Iterator[Finding]:
    """Look at every part, one after the other. What needs the database is left out when it is away."""
    postgres = list(look_at_postgres())
    yield from postgres
    yield from look_at_redis()
    looks: list[Look] = [look_at_storage, look_at_e2b, look_at_chromium, look_at_mail, look_at_settings]
    if postgres[0].level != Level.FAIL:
        yield from look_at_migrations()
        looks = [look_at_queue, look_at_clock, look_at_keys, look_at_models, *looks]
    for look in looks:
        yield from look()


def ok(part: str, said: str) -> Finding:
    return Finding(part, Level.OK, said)


def fail(part: str, said: str, fix: str) -> Finding:
    return Finding(part, Level.FAIL, said, fix)


def warn(part: str, said: str, fix: str) -> Finding:
    return Finding(part, Level.WARN, said, fix)


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
        yield fail("PostgreSQL", f"does not answer: {_first_line(error)}", fix)
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
        fix = f"Start Redis: {where}. Until then pages follow every two seconds, and nothing is lost."
        yield fail("Redis", f"does not answer: {_first_line(error)}", fix)
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
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('procrastinate_workers')")
        if cursor.fetchone() == (None,):
            yield fail("queue", "its tables are missing", "Run `manage.py migrate`.")
            return
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers "
            "WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [ALIVE_SECONDS],
        )
        workers = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT count(*), COALESCE(extract(epoch FROM max(now() - scheduled_at)), 0) "
            "FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at <= now()"
        )
        waiting, oldest = cursor.fetchone()
    if not workers:
        yield fail(
            "workers", "none was heard of lately", "Start one: `manage.py run_worker` (or `manage.py up`)."
        )
    else:
        yield ok("workers", f"{workers} alive")
    if oldest > OVERDUE_SECONDS:
        fix = "Add a worker, or raise its --concurrency; see `manage.py agent_status`."
        yield warn("queue", f"{waiting} wait, the oldest for {oldest:.0f} s", fix)
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
            yield fail(part, f"does not work: {_first_line(error)}", fix)
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


def look_at_models() -> Iterator[Finding]:
    """The key, and each model that a plan, a subscription or the default would use."""
    if not settings.ANTHROPIC_API_KEY:
        yield _no_key("ANTHROPIC_API_KEY", "The model")
        return
    wanted = sorted(
        {settings.DEFAULT_MODEL}
        | set(PlanTier.objects.exclude(model="").values_list("model", flat=True))
        | set(Subscription.objects.exclude(model_override="").values_list("model_override", flat=True))
    )
    client = anthropic.Anthropic(
        api_key=settings.ANTHROPIC_API_KEY,
        base_url=settings.ANTHROPIC_BASE_URL,
        max_retries=0,
        timeout=httpx2.Timeout(SECONDS),
    )
    with client:
        for model in wanted:
            yield _look_at_model(client, model)


def _look_at_model(client: anthropic.Anthropic, model: str) -> Finding:
    part = f"model {model}"
    try:
        prices.price_of(model, clock.today())
        client.models.retrieve(model)
    except prices.UnknownModel as error:
        return fail(part, str(error), "Change the plan's model in the admin, or DEFAULT_MODEL.")
    except anthropic.AuthenticationError:
        return fail(part, "the key is refused", "Set ANTHROPIC_API_KEY to a key that is valid.")
    except anthropic.NotFoundError:
        return fail(part, "the provider does not know it", "Change the plan's model in the admin.")
    except anthropic.AnthropicError as error:
        said = f"cannot be asked for: {_first_line(error)}"
        return fail(part, said, "Check ANTHROPIC_BASE_URL and that this machine reaches it.")
    return ok(part, "there, and priced")


def look_at_e2b() -> Iterator[Finding]:
    if not settings.E2B_API_KEY:
        yield _no_key("E2B_API_KEY", "The sandbox")
        return
    try:
        found = asyncio.run(_sandboxes())
    except (SandboxError, TimeoutError) as error:
        yield fail(
            "E2B", f"refuses: {_first_line(error)}", "Check E2B_API_KEY and, if it is set, E2B_API_URL."
        )
    else:
        yield ok("E2B", f"answers; {found} sandboxes of this install")


async def _sandboxes() -> int:
    async with asyncio.timeout(SECONDS):
        return len(await provider.found())


def _no_key(name: str, what: str) -> Finding:
    fix = f"Set {name}."
    if environment.is_embedded("DATABASE_URL"):
        return warn(name, f"is not set: {what.lower()} is rehearsed by `manage.py up`", fix)
    return fail(name, "is not set, and `manage.py run_worker` does not start without it", fix)


def look_at_chromium() -> Iterator[Finding]:
    found = screenshots.find_chromium()
    fix = (
        "Install Chromium (`apt-get install chromium`) or set CHROMIUM; without it there are no screenshots."
    )
    if not found:
        yield warn("Chromium", "is not found", fix)
        return
    try:
        said = subprocess.run(
            [found, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield fail("Chromium", f"{found} does not run: {_first_line(error)}", fix)
        return
    yield ok("Chromium", said.stdout.strip() or found)
    if environment.is_embedded("DATABASE_URL") and not shutil.which("bwrap"):
        yield warn("bubblewrap", "is not found: a rehearsal's sandbox is not confined", "Install bubblewrap.")


def look_at_mail() -> Iterator[Finding]:
    if any(f".{quiet}." in settings.EMAIL_BACKEND for quiet in QUIET_MAIL):
        fix = "Set EMAIL_URL, such as smtp+tls://user:password@host:587."
        yield warn("mail", "goes to the log: founders are not told of questions", fix)
        return
    try:
        with mail.get_connection(timeout=SECONDS):
            pass
    except OSError as error:  # smtplib's exceptions are of this kind too
        yield fail("mail", f"the server refuses: {_first_line(error)}", "Correct EMAIL_URL.")
    else:
        yield ok("mail", f"{settings.EMAIL_HOST} lets us in")


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
        yield warn("clock", f"is moved: {shown}", "Set DEBUG=false: outside it, days are real days.")
    else:
        yield ok("clock", f"agrees with the database's within {skew:.2f} s")


def look_at_keys() -> Iterator[Finding]:
    """Whether what is encrypted in the database can be read with the keys of this environment."""
    try:
        count = len(ProjectSecret.objects.only("value")[:MOST_SECRETS])
    except InvalidToken:
        fix = "Add the key they were encrypted with to FIELD_ENCRYPTION_KEYS."
        yield fail("encryption keys", "founders' secrets cannot be read with them", fix)
    else:
        yield ok("encryption keys", "founders' secrets can be read" if count else "no secret is stored yet")


def look_at_settings() -> Iterator[Finding]:
    """What is unsafe where strangers can reach it."""
    found = [fail("settings", said, fix) for is_unsafe, said, fix in _unsafe() if is_unsafe and _is_public()]
    found += [warn("settings", said, fix) for is_odd, said, fix in _odd() if is_odd]
    found += [
        warn("settings", message.msg.split(". ")[0], message.hint or f"See {message.id}.")
        for message in checks.run_checks(include_deployment_checks=_is_public())
        if not message.is_silenced() and message.level >= checks.WARNING
    ]
    yield from found or [ok("settings", "nothing unsafe was found")]


def _is_public() -> bool:
    """Whether somebody set this install up for others: an address, or a database, of its own."""
    return bool(os.environ.get("BASE_URL") or os.environ.get("DATABASE_URL"))


def _unsafe() -> list[tuple[bool, str, str]]:
    """What must not be so: whether it is, in words, and the fix."""
    return [
        (settings.DEBUG, "DEBUG is on: errors show their insides to everyone", "Set DEBUG=false."),
        (not settings.BASE_URL.startswith("https://"), "BASE_URL is not https", "Put TLS before the site."),
        ("*" in settings.ALLOWED_HOSTS, "ALLOWED_HOSTS is *", "Name the hosts the site answers to."),
        (len(settings.SECRET_KEY) < 50, "SECRET_KEY is short", "Use 50 random characters or more."),
        (
            settings.SELF_SERVICE_TOP_UP,
            "founders may give themselves money",
            "Set SELF_SERVICE_TOP_UP=false.",
        ),
    ]


def _odd() -> list[tuple[bool, str, str]]:
    """What may be meant so, and should be known."""
    is_alone = bool(os.environ.get("DATABASE_URL")) and not settings.PROJECT_SNAPSHOT_BUCKET
    kept = [name for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS") if not os.environ.get(name)]
    return [
        (
            bool(kept),
            f"{' and '.join(kept)} are kept on this disk alone",
            "Set them, and keep a copy elsewhere.",
        ),
        (not settings.MAX_DAILY_SPEND, "the install may spend without a cap", "Set MAX_DAILY_SPEND."),
        (is_alone, "snapshots are kept on this disk alone", "Set PROJECT_SNAPSHOT_BUCKET, or back them up."),
    ]


def _first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
