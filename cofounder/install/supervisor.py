"""Starts what an install on one machine needs, keeps it running, and stops it cleanly."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from cofounder.config import environment
from cofounder.install import embedded, place, private_files, reachable, tables
from cofounder.install.keeping import Keeper
from cofounder.install.process import Process
from cofounder.install.waiting import Show, StartFailed, wait_for

REHEARSAL_KEY = "rehearsal"
A_SCRIPT = "A rehearsal script is building: no model is used."
SANDBOX_PARTS = ("sentence", "reason", "fix")  # what the sandbox's server says of itself


class Install:
    """The services, the rehearsal servers where keys are missing, and the processes of one machine.

    Use as a context: what was started is stopped in reverse order, whatever happens inside.
    """

    def __init__(
        self,
        *,
        port: int | None,
        host: str = "127.0.0.1",
        settings: Mapping[str, str] | None = None,
        show: Show = embedded.silent,
    ) -> None:
        self.port = port
        self.host = host
        self.data_dir = environment.ready_data_dir()
        self._show = show
        self.env = {**os.environ, **(settings or {})}
        self._without = [name for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY") if not self.env.get(name)]
        self.rehearsal = ""  # a sentence for the page, where a script builds and no model
        self.notes: list[str] = []  # for whoever starts it: what stands in for which provider
        self.processes: list[Process] = []  # the site and the worker, if they have been started
        self._embedded = {
            "postgres": environment.is_embedded("DATABASE_URL"),
            "redis": environment.is_embedded("REDIS_URL"),
        }
        self._web: Process | None = None
        self._keeper = Keeper()
        self._open = ExitStack()

    def __enter__(self) -> "Install":
        with ExitStack() as starting:
            starting.callback(self._open.close)
            self._need_usable()
            rehearsal = self._spawn_rehearsal()  # it loads while PostgreSQL starts
            services = self._start_services()
            private_files.close_to_others(self.data_dir)
            if rehearsal is not None:
                self._use(rehearsal)
            if self.port is not None and services is not None and services.has_new_database:
                self._start_web()  # it loads while the tables are made: nobody knows its address yet
            self._show("the tables")
            tables.prepare()
            starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _need_usable(self) -> None:
        """Refuse what cannot work, before anything is made or started."""
        reachable.need_named_services()
        if any(self._embedded.values()):
            embedded.refuse_second(self.data_dir)
            place.need_usable(self.data_dir)

    def _start_services(self) -> embedded.Services | None:
        if not any(self._embedded.values()):
            return None
        services = self._open.enter_context(
            embedded.Services(self.data_dir, **self._embedded, show=self._show)
        )
        self._keeper.add(services.parts)
        embedded.point_django_at(self.data_dir)
        return services

    def _spawn_rehearsal(self) -> Process | None:
        """Stand-ins for the providers whose keys are missing, spoken to over the wire like the real ones."""
        self.env["REHEARSED_MODEL"] = str("ANTHROPIC_API_KEY" in self._without)
        if not self._without:
            return None
        ports = (self.port + 1, self.port + 2) if self.port else (0, 0)
        for port in filter(None, ports):
            refuse_taken_port("127.0.0.1", port)
        process = Process("the rehearsal", self._rehearsal_command(ports), self.env, self.log_of("rehearsal"))
        process.umask = 0o022  # that of a sandbox, whose files are the founder's
        process.log.write_bytes(b"")
        process.start()
        self._open.callback(process.stop)
        return process

    def _use(self, rehearsal: Process) -> None:
        """Wait for the stand-ins, and let the processes that follow talk to them."""
        without = self._without
        wait_for(rehearsal, lambda: bool(_first_line(rehearsal.log)), self._show)
        told = _first_line(rehearsal.log)
        # Started again, it has to be where everybody looks for it.
        rehearsal.command = self._rehearsal_command(
            (urlsplit(told["anthropic_url"]).port or 0, urlsplit(told["e2b_api_url"]).port or 0)
        )
        self._keeper.add([rehearsal])
        if "ANTHROPIC_API_KEY" in without:
            self.env |= {"ANTHROPIC_API_KEY": REHEARSAL_KEY, "ANTHROPIC_BASE_URL": told["anthropic_url"]}
            self.rehearsal = self.env["REHEARSAL"] = A_SCRIPT
            self.notes.append(A_SCRIPT)
        if "E2B_API_KEY" in without:
            self.env |= {
                "E2B_API_KEY": Path(told["e2b_api_key_file"]).read_text().strip(),
                "E2B_API_URL": told["e2b_api_url"],
                "E2B_SANDBOX_URL": told["e2b_sandbox_url"],
                "LOCAL_SANDBOX": told["sandbox"]["sentence"],
            }
            self.notes.append(" ".join(told["sandbox"].get(part, "") for part in SANDBOX_PARTS).strip())

    def _rehearsal_command(self, ports: tuple[int, int]) -> list[str]:
        return [
            *(sys.executable, "-m", "rehearsal"),
            *("--anthropic-port", str(ports[0]), "--e2b-port", str(ports[1])),
            *("--data-dir", str(self.data_dir / "rehearsal")),
            *("--pace", self.env.get("REHEARSAL_PACE", "1.0")),
        ]

    def log_of(self, name: str) -> Path:
        directory = self.data_dir / "logs"
        directory.mkdir(mode=0o700, exist_ok=True)
        log = directory / f"{name}.log"
        log.touch(mode=0o600)
        return log

    def start_web(self) -> str:
        """Start the web process and wait until it accepts connections; return its address."""
        web = self._web or self._start_web()
        wait_for(web, lambda: _is_taken(self.host, self.port or 0), self._show)
        self._keeper.add([web])
        return self.env["BASE_URL"]

    def _start_web(self) -> Process:
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
        self._web = self._run("the site", "web", command)
        return self._web

    def start_worker(self) -> None:
        worker = self._run("the worker", "worker", [sys.executable, "manage.py", "run_worker"])
        self._keeper.add([worker])

    def _run(self, name: str, log: str, command: list[str]) -> Process:
        process = Process(name, command, self.env, self.log_of(log))
        process.start()
        self.processes.append(process)
        self._open.callback(process.stop)
        return process

    def keep_running(self) -> list[str]:
        """Start again what has ended; a sentence for each thing worth telling."""
        return self._keeper.look()


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


def _first_line(log: Path) -> dict[str, Any]:
    """What the servers print once they answer: where, and what holds in the sandbox. Empty until then."""
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            told: dict[str, Any] = json.loads(line)
            return told
    return {}
