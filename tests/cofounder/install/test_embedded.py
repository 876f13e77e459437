import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings

from cofounder.config import local_sockets
from cofounder.install import embedded
from cofounder.install.embedded import AlreadyRunning, Services
from cofounder.install.waiting import StartFailed
from tests.journeys.conftest import wait_until

SECONDS = 60

HOLD = (
    "import sys; from pathlib import Path; from cofounder.install.embedded import Services\n"
    "with Services(Path(sys.argv[1])): print('up', flush=True); sys.stdin.read()"
)


class Holder:
    """Another process that runs the services of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        command = [sys.executable, "-c", HOLD, str(data_dir)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"

    def leave(self) -> None:
        self.process.communicate("")
        assert self.process.returncode == 0

    def die(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not pytest's own: its mode shuts out the account PostgreSQL runs as when root starts it."""
    with TemporaryDirectory(dir=settings.DATA_DIR, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def ask(data_dir: Path) -> None:
    host = str(local_sockets.postgres_socket_dir(data_dir))
    with psycopg.connect(host=host, user="postgres", dbname="cofounder") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with redis.Redis(unix_socket_path=str(local_sockets.redis_socket(data_dir))) as client:
        assert client.ping()


@pytest.mark.services
def test_both_engines_answer_until_their_holder_leaves(data_dir: Path) -> None:
    holder = Holder(data_dir)
    ask(data_dir)

    holder.leave()

    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    assert not local_sockets.redis_socket(data_dir).exists()
    assert not embedded.is_held(data_dir / embedded.LOCK)


@pytest.mark.services
def test_redis_has_no_port_and_a_socket_for_its_user_alone(data_dir: Path) -> None:
    """Its release is older than the mend of CVE-2025-49844: nobody else may reach it."""
    with Services(data_dir, postgres=False):
        socket = local_sockets.redis_socket(data_dir)
        with redis.Redis(unix_socket_path=str(socket)) as client:
            info: Any = client.info("server")
            assert info["tcp_port"] == 0
            assert listening_ports(info["process_id"]) == []
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "redis.log").stat().st_mode) == 0o600


def listening_ports(process_id: int) -> list[str]:
    """The local addresses at which a process listens for TCP."""
    inodes = {str(path.readlink()) for path in Path(f"/proc/{process_id}/fd").iterdir()}
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{process_id}/net/{name}").read_text().splitlines()[1:]
    ]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


@pytest.mark.services
def test_a_path_too_long_for_a_socket_works(data_dir: Path) -> None:
    deep = data_dir.joinpath(*["a-directory-with-a-long-name"] * 5)
    deep.mkdir(parents=True)

    holder = Holder(deep)

    ask(deep)
    holder.leave()


@pytest.mark.services
def test_a_second_holder_of_the_same_directory_is_refused(data_dir: Path) -> None:
    holder = Holder(data_dir)

    with pytest.raises(AlreadyRunning, match="already running"), Services(data_dir):
        pass

    holder.leave()


@pytest.mark.services
def test_engines_that_a_killed_holder_left_are_taken_over(data_dir: Path) -> None:
    Holder(data_dir).die()

    holder = Holder(data_dir)

    ask(data_dir)
    holder.leave()


@pytest.mark.services
def test_no_lock_is_shared_with_other_users_of_the_machine(data_dir: Path) -> None:
    holder = Holder(data_dir)

    assert list(data_dir.rglob(".lockfile"))
    assert (data_dir / "run").stat().st_mode & 0o777 == 0o700
    holder.leave()


def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not embedded.is_held(path)

    with embedded.hold(path):
        assert embedded.is_held(path)

    assert not embedded.is_held(path)


@pytest.mark.services
def test_a_server_that_is_killed_can_be_started_again(data_dir: Path) -> None:
    with Services(data_dir) as services:
        for part in services.parts:
            assert part.is_alive()
            os.kill(pid_of(part), signal.SIGKILL)
            wait_until(partial(has_ended, part), "its end", SECONDS)

            start_again(part)

            assert part.is_alive()
        ask(data_dir)


@pytest.mark.services
def test_a_copied_data_directory_that_names_another_process_is_started(data_dir: Path) -> None:
    """As one of an ended container does: its server's number now belongs to somebody else."""
    Holder(data_dir).leave()
    lines = [str(os.getpid()), str(data_dir / "postgres"), "1", "5432", str(data_dir), "", "1 1", "ready"]
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")

    holder = Holder(data_dir)

    ask(data_dir)
    holder.leave()


def has_ended(part: embedded.Postgres | embedded.Redis) -> bool:
    return not part.is_alive()


def pid_of(part: embedded.Postgres | embedded.Redis) -> int:
    if isinstance(part, embedded.Postgres):
        return int((part.log.parent / "postmaster.pid").read_text().split()[0])
    with redis.Redis(unix_socket_path=str(local_sockets.redis_socket(part.log.parent))) as client:
        return int(client.info()["process_id"])


def start_again(part: embedded.Postgres | embedded.Redis) -> None:
    """The killed server's own children may hold its memory for a moment longer."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            part.start()
        except StartFailed:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_a_second_start_is_refused_before_anything_else(tmp_path: Path) -> None:
    with embedded.hold(tmp_path / embedded.LOCK), pytest.raises(AlreadyRunning, match="already running"):
        embedded.refuse_second(tmp_path)

    embedded.refuse_second(tmp_path)


def test_a_server_that_meets_another_s_new_system_user_is_made_again() -> None:
    refusals = [subprocess.CalledProcessError(9, ["useradd", "pgserver"])]

    def get_server(directory: Path, cleanup_mode: str | None, start: bool) -> str:
        if refusals:
            raise refusals.pop()
        return f"server in {directory}"

    assert embedded.with_system_user(get_server, Path("data")) == "server in data"


def test_a_server_is_awaited_as_long_as_it_moves() -> None:
    """The wheel gives up after ten seconds, and stumbles over a server that is still starting."""
    problems = [subprocess.TimeoutExpired("pg_ctl", 10), AssertionError(), AssertionError()]
    moves = iter(range(9))

    def start() -> None:
        if problems:
            raise problems.pop(0)

    embedded.start_patiently(start, lambda: next(moves), patience=0)

    assert problems == []


def test_a_server_in_which_nothing_moves_is_given_up() -> None:
    def start() -> None:
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    with pytest.raises(subprocess.TimeoutExpired):
        embedded.start_patiently(start, lambda: "nothing moves", patience=0)


def test_a_server_that_fails_by_itself_is_not_tried_again() -> None:
    failures = [subprocess.CalledProcessError(1, ["initdb"])]

    with pytest.raises(subprocess.CalledProcessError):
        embedded.start_patiently(lambda: _raise(failures.pop()), lambda: None)


def _raise(error: Exception) -> None:
    raise error
