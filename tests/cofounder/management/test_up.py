"""`manage.py up` as a person uses it: a process with a port and a data directory."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from django.conf import settings

from cofounder.config import local_sockets
from cofounder.install import embedded

SECONDS = 120
UNUSABLE = [("ro", "is not writable (Read-only file system)"), ("size=1m", "is full: 1 MB are free")]
pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def free_port() -> int:
    """The first of three consecutive free ports: the rehearsal uses the next two."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = int(server.getsockname()[1])
        if port < 65_000 and all(is_free(each) for each in (port, port + 1, port + 2)):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Up:
    """A running `manage.py up`."""

    def __init__(self, data_dir: Path, *arguments: str, **env: str) -> None:
        self.port = free_port()
        given = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_KEYS"))}
        keys = {"DJANGO_SETTINGS_MODULE": "cofounder.settings", "DATA_DIR": str(data_dir), "BASE_URL": ""}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port), *arguments],
            cwd=settings.BASE_DIR,
            env={**given, **keys, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def wait_until_ready(self) -> str:
        """The address it prints."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops everything" in line:
                address = re.search(r"http://\S+", self.said)
                assert address is not None, self.said
                return address[0]
        pytest.fail(f"it did not start: {self.said}")

    def wait_for_line(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        pytest.fail(f"it never said {words!r}: {self.said}")

    def child(self, words: str) -> int:
        """The process it started whose command line has these words."""
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if parent == self.process.pid and words in command:
                    return int(entry.name)
        pytest.fail(f"it has no child with {words!r}")

    def end(self) -> str:
        """Wait for it to end; returns its whole output."""
        rest, _ = self.process.communicate(timeout=SECONDS)
        return self.said + rest

    def stop(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        return self.end()


@pytest.fixture
def up(data_dir: Path) -> Iterator[Callable[..., Up]]:
    """Starts an `up`; any still running after the test are killed."""
    started: list[Up] = []

    def start(*arguments: str, **env: str) -> Up:
        started.append(Up(data_dir, *arguments, **env))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with TemporaryDirectory(dir=settings.DATA_DIR, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def test_the_demo_opens_for_its_founder_once_and_ctrl_c_leaves_nothing(
    data_dir: Path, up: Callable[..., Up]
) -> None:
    first = up("--demo", DEBUG="true", REHEARSAL_PACE="0")
    link = first.wait_until_ready()

    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(link).text)
        page = browser.post(link, data={"csrfmiddlewaretoken": csrf[1]}) if csrf else browser.get(link)
        assert "Borrow Shelf" in page.text
    second = up()
    assert "already running" in second.end()
    assert second.process.returncode == 1

    assert "Stopped." in first.stop(signal.SIGINT)
    assert first.process.returncode == 0
    assert all(is_free(first.port + step) for step in range(3))
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    assert not local_sockets.redis_socket(data_dir).exists()


def test_after_a_kill_the_next_start_finds_everything(up: Callable[..., Up]) -> None:
    first = up()
    first.wait_until_ready()
    first.stop(signal.SIGKILL)

    second = up()

    assert second.wait_until_ready().startswith(f"http://localhost:{second.port}")
    second.stop(signal.SIGTERM)


def test_whatever_is_killed_is_started_again_and_said(data_dir: Path, up: Callable[..., Up]) -> None:
    running = up()
    address = running.wait_until_ready()

    def pid_of(part: str) -> int:
        if part == "PostgreSQL":
            return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        words = {
            "Redis": "redis-server",
            "rehearsal": "-m rehearsal",
            "site": "daphne",
            "worker": "run_worker",
        }
        return running.child(words[part.rsplit(maxsplit=1)[-1]])

    for part in ("PostgreSQL", "Redis", "The rehearsal", "The site", "The worker"):
        os.kill(pid_of(part), signal.SIGKILL)
        running.wait_for_line(f"{part} had ended and was started again.")

    wait_until(lambda: is_whole(address, running.port))
    assert all(pid_of(part) for part in ("PostgreSQL", "Redis", "The rehearsal", "The site", "The worker"))
    log = (data_dir / "logs" / "up.log").read_text().splitlines()
    assert len({json.loads(line)["part"] for line in log if "install.restarted" in line}) == 5
    assert "install.restarted" not in running.stop(signal.SIGINT)


def is_whole(address: str, port: int) -> bool:
    """The site has its database and Redis, and the rehearsal answers beside it."""
    try:
        ready = httpx.get(f"{address}/readyz").json()["status"]
        return ready == "ok" and not is_free(port + 1) and not is_free(port + 2)
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_data_directory_with_a_path_of_200_characters_works(data_dir: Path, up: Callable[..., Up]) -> None:
    deep = data_dir / ("d" * (199 - len(str(data_dir))))
    assert len(str(deep)) == 200

    running = up(DATA_DIR=str(deep))

    wait_until(lambda: is_whole(running.wait_until_ready(), running.port))
    running.stop(signal.SIGINT)


def test_a_second_start_on_the_same_port_is_told_about_the_first(
    data_dir: Path, up: Callable[..., Up]
) -> None:
    with embedded.hold(data_dir / embedded.LOCK), socket.create_server(("127.0.0.1", 0)) as server:
        second = up("--port", str(server.getsockname()[1]))

        assert "already running" in second.end()


@pytest.mark.parametrize(("options", "sentence"), UNUSABLE)
def test_a_disk_that_cannot_be_used_is_one_sentence_and_nothing_is_made(
    data_dir: Path, up: Callable[..., Up], options: str, sentence: str
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(data_dir)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("CANNOT RUN: no file system can be mounted here")
    try:
        refused = up()
        assert sentence in refused.end().strip().splitlines()[-1]
        assert "Traceback" not in refused.said
        assert refused.process.returncode == 1
        assert {path.name for path in data_dir.iterdir()} <= {"keys.env"}
    finally:
        subprocess.run(["umount", str(data_dir)], check=True)


def test_a_database_of_another_version_is_one_sentence_and_stays_as_it_is(
    data_dir: Path, up: Callable[..., Up]
) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("99\n")

    refused = up()

    assert "holds a database of PostgreSQL 99" in refused.end()
    assert [path.name for path in (data_dir / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_taken_port_is_one_sentence_and_1(up: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = up("--port", str(port))

        assert refused.end().strip().startswith(f"CommandError: Port {port} cannot be used")

    assert refused.process.returncode == 1


WITHOUT_IPV6 = """
import fcntl, os, socket, struct, sys
from pathlib import Path
with socket.socket() as any_socket:  # brings the loopback interface of this network up
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
"""


def test_on_a_machine_without_ipv6_it_starts_all_the_same(data_dir: Path) -> None:
    """In a network of its own, whose page only a process in there can ask for."""
    code = WITHOUT_IPV6 + (
        "from tests.cofounder.management.test_up import Up, is_whole, wait_until\n"
        "import signal\n"
        f"running = Up(Path({str(data_dir)!r})); address = running.wait_until_ready()\n"
        "wait_until(lambda: is_whole(address, running.port)); running.stop(signal.SIGINT)\n"
    )
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATA_DIR": str(data_dir)}
    prepared = ["unshare", "--net", sys.executable, "-c"]
    if subprocess.run([*prepared, WITHOUT_IPV6], check=False, capture_output=True).returncode:
        pytest.skip("CANNOT RUN: no network of its own can be made here")

    subprocess.run([*prepared, code], cwd=settings.BASE_DIR, env=given, check=True, timeout=SECONDS)
