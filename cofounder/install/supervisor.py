"""Starts what an install on one machine needs, keeps it running, and stops it cleanly."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from cofounder.config import environment
from cofounder.install import embedded, private_files, reachable

STOP_SECONDS = 40  # a worker may take 30 to hand its sessions back
QUICK_SECONDS = 10  # a process that ends sooner did not really start
QUICK_ENDS = 5  # after so many in a row it gives up
REHEARSAL_KEY = "rehearsal"


class StartFailed(Exception):
    """The install could not be started."""


@dataclass
class Process:
    """A child that is started again when it dies."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    umask: int = private_files.UMASK
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_ends: int = field(default=0)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=embedded.end_with_parent,  # noqa: PLW1509  # one prctl call, no lock taken
                start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops all in order
                umask=self.umask,
                cwd=environment.BASE_DIR,
            )
        self.started = time.monotonic()

    def keep_running(self) -> bool:
        """Start it again if it has died; return whether it had."""
        if self.running is not None and self.running.poll() is None:
            return False
        quick = time.monotonic() - self.started < QUICK_SECONDS
        self.quick_ends = self.quick_ends + 1 if quick else 0
        if self.quick_ends >= QUICK_ENDS:
            raise StartFailed(
                f"The {self.name} keeps ending. Its last lines ({self.log}):\n{self.last_lines()}"
            )
        self.start()
        return True

    def stop(self) -> None:
        if self.running is None or self.running.poll() is not None:
            return
        self.running.terminate()
        try:
            self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])


class Install:
    """The services, the rehearsal servers where keys are missing, and the processes of one machine.

    Use as a context: what was started is stopped in reverse order, whatever happens inside.
    """

    def __init__(
        self, *, port: int | None, host: str = "127.0.0.1", settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.host = host
        self.data_dir = environment.ready_data_dir()
        self.env = {**os.environ, **(settings or {})}
        self.rehearsal = ""  # a sentence about what is rehearsed, for the page
        self.processes: list[Process] = []
        self._open = ExitStack()

    def __enter__(self) -> "Install":
        with ExitStack() as starting:
            self._start_services(starting)
            self._start_rehearsal(starting)
            self._manage("migrate", "--noinput")
            self._open = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _start_services(self, starting: ExitStack) -> None:
        reachable.need_named_services()
        wanted = {
            "postgres": environment.is_embedded("DATABASE_URL"),
            "redis": environment.is_embedded("REDIS_URL"),
        }
        if any(wanted.values()):
            starting.enter_context(embedded.Services(self.data_dir, **wanted))
        private_files.close_to_others(self.data_dir)

    def _start_rehearsal(self, starting: ExitStack) -> None:
        """Stand-ins for the providers whose keys are missing, spoken to over the wire like the real ones."""
        without = [name for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY") if not self.env.get(name)]
        if not without:
            return
        if without == ["E2B_API_KEY"] and not shutil.which("bwrap"):
            raise StartFailed(
                "A real model needs a confined sandbox: set E2B_API_KEY, or install bubblewrap for the "
                "rehearsal's."
            )
        urls = self._rehearsal_urls(starting)
        if "ANTHROPIC_API_KEY" in without:
            self.env |= {"ANTHROPIC_API_KEY": REHEARSAL_KEY, "ANTHROPIC_BASE_URL": urls["anthropic_url"]}
        if "E2B_API_KEY" in without:
            self.env |= {
                "E2B_API_KEY": REHEARSAL_KEY,
                "E2B_API_URL": urls["e2b_api_url"],
                "E2B_SANDBOX_URL": urls["e2b_sandbox_url"],
            }
        self.rehearsal = _what_is_rehearsed(without, confined=bool(shutil.which("bwrap")))
        self.env["REHEARSAL"] = self.rehearsal

    def _rehearsal_urls(self, starting: ExitStack) -> dict[str, str]:
        ports = (self.port + 1, self.port + 2) if self.port else (0, 0)
        for port in filter(None, ports):
            refuse_taken_port("127.0.0.1", port)
        process = Process(
            "rehearsal",
            [
                *(sys.executable, "-m", "rehearsal"),
                *("--anthropic-port", str(ports[0]), "--e2b-port", str(ports[1])),
                *("--data-dir", str(self.data_dir / "rehearsal")),
                *("--pace", self.env.get("REHEARSAL_PACE", "1.0")),
            ],
            self.env,
            self._log("rehearsal"),
            umask=0o022,  # that of a sandbox, whose files are the founder's
        )
        process.log.write_bytes(b"")
        process.start()
        starting.callback(process.stop)
        return _first_line(process)

    def _log(self, name: str) -> Path:
        directory = self.data_dir / "logs"
        directory.mkdir(mode=0o700, exist_ok=True)
        log = directory / f"{name}.log"
        log.touch(mode=0o600)
        return log

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.env,
            cwd=environment.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"manage.py {arguments[0]} failed:\n{done.stderr.strip()[-2000:]}")

    def start_web(self) -> str:
        """Start the web process; return its address."""
        if self.port is None:
            raise StartFailed("The web process needs a port.")
        self.env["BASE_URL"] = self.env.get("BASE_URL") or f"http://localhost:{self.port}"
        command = [
            sys.executable,
            "-m",
            "daphne",
            *("-v", "0"),  # its own log of requests would hold the addresses of links that sign in
            "-b",
            self.host,
            "-p",
            str(self.port),
            "cofounder.asgi:application",
        ]
        self._run("web", command)
        return self.env["BASE_URL"]

    def start_worker(self) -> None:
        self._run("worker", [sys.executable, "manage.py", "run_worker"])

    def _run(self, name: str, command: list[str]) -> None:
        process = Process(name, command, self.env, self._log(name))
        process.start()
        self.processes.append(process)
        self._open.callback(process.stop)

    def keep_running(self) -> list[str]:
        """Restart the processes that have died; return their names."""
        return [process.name for process in self.processes if process.keep_running()]

    def wait_for_web(self, seconds: float = 60) -> None:
        """Wait until the web process accepts connections."""
        deadline = time.monotonic() + seconds
        while not _is_taken(self.host, self.port or 0):
            if time.monotonic() > deadline:
                raise StartFailed(f"The web process did not answer:\n{self.processes[0].last_lines()}")
            self.keep_running()
            time.sleep(0.1)


def refuse_taken_port(host: str, port: int) -> None:
    """Raise `StartFailed` when the port cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise StartFailed(
                f"--host {host!r} is not an address of this machine ({error.strerror})."
            ) from error
        except OSError as error:
            raise StartFailed(
                f"Port {port} cannot be used ({error.strerror}). Choose another with --port; "
                "the two after it are used too."
            ) from error


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _first_line(process: Process) -> dict[str, str]:
    """The addresses that the rehearsal servers print once they answer."""
    deadline = time.monotonic() + embedded.START_SECONDS
    while time.monotonic() < deadline:
        for line in process.log.read_text().splitlines():
            if line.startswith("{"):
                addresses: dict[str, str] = json.loads(line)
                return addresses
        if process.running is None or process.running.poll() is not None:
            break
        time.sleep(0.05)
    raise StartFailed(f"The rehearsal servers did not start:\n{process.last_lines()}")


def _what_is_rehearsed(without: list[str], *, confined: bool) -> str:
    model = "A rehearsal script is building: no model is used." if "ANTHROPIC_API_KEY" in without else ""
    box = ""
    if "E2B_API_KEY" in without:
        box = (
            "The sandbox is a confined process on this machine."
            if confined
            else "The sandbox is a plain process on this machine, not confined: bubblewrap is missing."
        )
    return " ".join(part for part in (model, box) if part)
