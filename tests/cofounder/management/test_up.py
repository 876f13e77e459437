"""`manage.py up` as a person uses it: a process with a port and a data directory."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from django.conf import settings

from cofounder.config import local_sockets

SECONDS = 120
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


def test_a_taken_port_is_one_sentence_and_1(up: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = up("--port", str(port))

        assert refused.end().strip().startswith(f"CommandError: Port {port} cannot be used")

    assert refused.process.returncode == 1
