"""A separate install for the chaos test: no other test uses what it breaks."""

import os
import random
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from cofounder.models import User
from tests.chaos import witness
from tests.chaos.play import write_play
from tests.chaos.servers import DATABASE, Postgres
from tests.jobs.redis_server import RedisServer
from tests.journeys.conftest import Rehearsal, Workers

KILLS = int(os.environ.get("CHAOS_KILLS", "25"))
ROUNDS = 8 if KILLS <= 25 else 20
BUILDS = 4 if KILLS <= 25 else 6
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))


@pytest.fixture
def server_dir() -> Iterator[Path]:
    """Not in pytest's own directories, which the server's user may not enter."""
    with TemporaryDirectory(prefix="cofounder-chaos-") as name:
        yield Path(name)


@pytest.fixture
def postgres(server_dir: Path, django_db_blocker: Any) -> Iterator[Postgres]:
    """Migrated, with the witness triggers installed; this process's ORM uses it too."""
    server = Postgres(server_dir)
    usual = dict(connection.settings_dict)
    with django_db_blocker.unblock():
        _talk_to({"HOST": server.host, "NAME": DATABASE, "USER": "postgres"})
        call_command("migrate", verbosity=0)
        witness.install()
        yield server
        _talk_to(usual)
    server.stop()


def _talk_to(server: dict[str, Any]) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    assert isinstance(database, DatabaseWrapper)
    database.close()
    database.close_pool()
    database.settings_dict.update(server)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    plays = write_play(tmp_path / "plays", ROUNDS)
    servers = Rehearsal(tmp_path / "rehearsal", "--plays", str(plays), "--pace", "0.05")
    yield servers
    servers.stop()


class NamedWorkers(Workers):
    """Each worker has its own name, which the database sees, and runs two builds at a time."""

    started = 0

    def start(self) -> subprocess.Popen[bytes]:
        self.started += 1
        self._env |= {"PGAPPNAME": f"worker-{self.started}", "WORKER_CONCURRENCY": "2"}
        return super().start()


@pytest.fixture
def workers(
    tmp_path: Path, postgres: Postgres, redis_server: RedisServer, rehearsal: Rehearsal
) -> Iterator[NamedWorkers]:
    env = {
        **os.environ,
        **rehearsal.env,
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis_server.url,
        "DATA_DIR": str(tmp_path),
    }
    workers = NamedWorkers(env, tmp_path / "worker.log")
    yield workers
    workers.close()


@pytest.fixture
def founder(postgres: Postgres) -> User:
    from agents.models import Subscription
    from cofounder.models import User
    from jobs import clock

    user = User.objects.create_user("founder@example.com", "correct horse battery")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(user=user, tier_id="cto_scale", renews_on=renews_on)
    return user
