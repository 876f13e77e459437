"""Where the embedded PostgreSQL and Redis of a data directory listen."""

import hashlib
import os
import tempfile
from pathlib import Path

SOCKET_PATH_LIMIT = 100  # a Unix socket's path may have 107 bytes
POSTGRES_SOCKET = ".s.PGSQL.5432"


def postgres_socket_dir(data_dir: Path) -> Path:
    """The server's own choice: its data directory, or elsewhere if that path is too long for a socket."""
    directory = data_dir / "postgres"
    try:
        return Path((directory / "postmaster.pid").read_text().splitlines()[4])
    except (OSError, IndexError):
        return directory


def redis_socket(data_dir: Path) -> Path:
    inside = data_dir / "redis.sock"
    if len(str(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    return _short_path(data_dir).with_suffix(".sock")


def runtime_dir(data_dir: Path) -> Path:
    """A directory for locks, and for the sockets of a data directory whose own path is too long for them."""
    if len(str(data_dir / "postgres" / POSTGRES_SOCKET)) <= SOCKET_PATH_LIMIT:
        return data_dir / "run"
    return _short_path(data_dir)


def _short_path(data_dir: Path) -> Path:
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cofounder-{os.geteuid()}-{digest}"
