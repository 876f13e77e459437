"""How soon an install is there: commands, the first page from nothing, and the demo from a fresh clone."""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.install import Install
from bench.outcome import Outcome
from cofounder.config import environment

BARS = {"start.help_vs_bare_django": 2.5, "start.web_megabytes": 110, "start.page_seconds": 8}
TEXT = """\
`manage.py help` with all apps loaded, against the one of an empty Django project with the same Python, seven
times in turns (medians). `manage.py up` on an empty data directory, with compiled packages, until the first
page is there, and what the web process then holds (resident memory). `make demo` in a fresh clone, with the
packages in the installer's cache, until the link is printed: that includes creating the environment and
compiling."""
ROUNDS = 7
LONGEST = 1200  # seconds
LINK = re.compile(r"http://localhost:\d+/\S+")
BARE = {
    "manage.py": (
        "import os, sys\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'bare'\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(sys.argv)\n"
    ),
    "bare.py": (
        "SECRET_KEY = 'x' * 50\n"
        "INSTALLED_APPS = ['django.contrib.' + name for name in "
        "('admin', 'auth', 'contenttypes', 'sessions', 'messages', 'staticfiles')]\n"
    ),
}
# What a package installer needs to find its packages and its cache.
OF_INSTALLERS = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "XDG_CACHE")


class NotReached(Exception):
    """The install did not come up."""


def measure(_install: Install) -> Outcome:
    page_seconds, megabytes = _first_page()
    figures = {
        "start.help_vs_bare_django": _help_ratio(),
        "start.web_megabytes": megabytes,
        "start.page_seconds": page_seconds,
        "start.install_to_demo_seconds": _demo_seconds(),
    }
    return Outcome("From nothing to the first page", figures, BARS, TEXT)


def _help_ratio() -> float:
    with TemporaryDirectory() as name:
        for file, content in BARE.items():
            (Path(name) / file).write_text(content)
        places = (environment.BASE_DIR, Path(name))
        seconds = [[_help_seconds(place) for place in places] for _ in range(ROUNDS + 1)][1:]
    ours, bare = (statistics.median(column) for column in zip(*seconds, strict=True))
    return float(ours / bare)


def _help_seconds(place: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "manage.py", "help"], cwd=place, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _first_page() -> tuple[float, float]:
    """Seconds from `manage.py up` on an empty data directory to the page, and the web process's megabytes."""
    with TemporaryDirectory() as data_dir:
        port = _free_port()
        given = {**os.environ, "DATA_DIR": data_dir}
        began = time.perf_counter()
        with _started([sys.executable, "manage.py", "up", "--port", str(port)], given) as up:
            while not _has_page(port):
                _need_living(up)
                time.sleep(0.02)
            return time.perf_counter() - began, _megabytes_of_web(port)


def _demo_seconds() -> float:
    """Seconds from `make demo` in a fresh clone to the printed link."""
    with TemporaryDirectory() as name:
        clone = Path(name) / "cofounder"
        subprocess.run(["git", "clone", "-q", str(environment.BASE_DIR), str(clone)], check=True)
        output = Path(name) / "output"
        kept = {key: value for key, value in os.environ.items() if key.startswith(OF_INSTALLERS)}
        given = {**kept, "HOME": os.environ.get("HOME", name), "PATH": os.environ["PATH"]}
        began = time.perf_counter()
        command = ["make", "demo", f"PYTHON={sys.executable}", f"ARGS=--port {_free_port()}"]
        with _started(command, given, clone, output) as demo:
            while not LINK.search(output.read_text()):
                _need_living(demo)
                if time.perf_counter() - began > LONGEST:
                    raise NotReached(output.read_text()[-2000:])
                time.sleep(0.1)
            return time.perf_counter() - began


@contextmanager
def _started(
    command: list[str], env: Mapping[str, str], place: Path = environment.BASE_DIR, output: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its children in a group of its own, ended in order when the context closes."""
    with (output or Path(os.devnull)).open("wb") as file:
        process = subprocess.Popen(
            command, env=dict(env), cwd=place, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _need_living(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        raise NotReached(f"{process.args!r} ended with {process.returncode}")


def _has_page(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=LONGEST) as page:
            return bool(page.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def _megabytes_of_web(port: int) -> float:
    """Resident memory of the process that serves this port."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().decode(errors="replace").split("\0")
            status = (directory / "status").read_text()
        except OSError:  # it has ended meanwhile
            continue
        if "daphne" in words and str(port) in words:
            return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
    raise NotReached(f"no web process on port {port}")


def _free_port() -> int:
    """A port with two free ones after it, for the rehearsal servers."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port
