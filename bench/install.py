"""A temporary install: the embedded engines, a migrated database to copy, and processes that use them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cofounder.config import environment, local_sockets
from cofounder.install import embedded

PEERS = environment.BASE_DIR / ".venv-bench" / "bin" / "python"
MIGRATED = "migrated"


@dataclass(frozen=True)
class Install:
    data_dir: Path

    def conninfo(self, database: str) -> str:
        return f"dbname={database} user=postgres host={self._host}"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._host}"

    @property
    def _host(self) -> Path:
        return local_sockets.postgres_socket_dir(self.data_dir)

    def fresh(self, database: str, template: str = "template0") -> None:
        """An empty database, so that no run is slowed down by what an earlier one left."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}")

    def fresh_of_ours(self) -> None:
        self.fresh(embedded.DATABASE, MIGRATED)

    def run(self, *command: str | Path) -> dict[str, Any]:
        """The result of a process, ours or a peer's: the last line it prints, as JSON."""
        done = subprocess.run(
            [str(part) for part in command],
            env=os.environ | {"DATA_DIR": str(self.data_dir)},
            cwd=environment.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return report

    def run_ours(self, system: str, *arguments: str) -> dict[str, Any]:
        self.fresh_of_ours()
        return self.run_on(system, *arguments)

    def run_on(self, system: str, *arguments: str) -> dict[str, Any]:
        """Like `run_ours`, but on the database as it is."""
        return self.run(sys.executable, "-m", "bench.inside", f"bench.systems.{system}", *arguments)

    def run_peer(self, system: str, *arguments: str) -> dict[str, Any]:
        self.fresh("peer")
        return self.run(PEERS, "-m", f"bench.systems.{system}", self.conninfo("peer"), *arguments)


@contextmanager
def installed() -> Iterator[Install]:
    """The install, for as long as the context is open; everything is deleted afterwards."""
    data_dir = environment.data_dir() / "bench"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["MAX_DAILY_SPEND"] = "0"  # a run holds many founders' days
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    environment.make_missing_keys()
    try:
        with embedded.Services(data_dir):
            install = Install(data_dir)
            _migrate(install)
            yield install
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _migrate(install: Install) -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    with psycopg.connect(install.conninfo("postgres"), autocommit=True) as connection:
        row = connection.execute("SHOW fsync").fetchone()
        if row != ("on",):
            raise RuntimeError("Without fsync nothing here is durable, and no figure means anything.")
        connection.execute(f"ALTER DATABASE {embedded.DATABASE} RENAME TO {MIGRATED}")
