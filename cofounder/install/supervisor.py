"""Starts what an install on one machine needs, keeps it running, and stops it cleanly."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from cofounder.config import environment
from cofounder.install import embedded, place, reachable, tables
from cofounder.install.keeping import Keeper
from cofounder.install.process import Process
from cofounder.install.waiting import Show, StartFailed, wait_for

REHEARSAL_KEY = "rehearsal"


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
        self.rehearsal = ""  # a sentence about what is rehearsed, for the page
        self.processes: list[Process] = []  # the site and the worker, if they have been started
        self._web: Process | None = None
        self._keeper = Keeper()
        self._open = ExitStack()

    def __enter__(self) -> "Install":
        with ExitStack() as starting:
            starting.callback(self._open.close)
            services = self._start_services()
            self._start_rehearsal()
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

    def _start_services(self) -> embedded.Services | None:
        reachable.need_named_services()
        wanted = {
            "postgres": environment.is_embedded("DATABASE_URL"),
            "redis": environment.is_embedded("REDIS_URL"),
        }
        if not any(wanted.values()):
            return None
        place.need_usable(self.data_dir)
        services = self._open.enter_context(embedded.Services(self.data_dir, **wanted, show=self._show))
        self._keeper.add(services.parts)
        embedded.point_django_at(self.data_dir)
        return services

    def _start_rehearsal(self) -> None:
        """Stand-ins for the providers whose keys are missing, spoken to over the wire like the real ones."""
        without = [name for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY") if not self.env.get(name)]
        self.env["REHEARSED_MODEL"] = str("ANTHROPIC_API_KEY" in without)
        if not without:
            return
        if without == ["E2B_API_KEY"] and not shutil.which("bwrap"):
            raise StartFailed(
                "A real model needs a confined sandbox: set E2B_API_KEY, or install bubblewrap for the "
                "rehearsal's."
            )
        urls = self._rehearsal_urls()
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

    def _rehearsal_urls(self) -> dict[str, str]:
        ports = (self.port + 1, self.port + 2) if self.port else (0, 0)
        for port in filter(None, ports):
            refuse_taken_port("127.0.0.1", port)
        process = Process("the rehearsal", self._rehearsal_command(ports), self.env, self.log_of("rehearsal"))
        process.log.write_bytes(b"")
        process.start()
        self._open.callback(process.stop)
        wait_for(process, lambda: bool(_addresses(process.log)), self._show)
        urls = _addresses(process.log)
        # Started again, it has to be where everybody looks for it.
        process.command = self._rehearsal_command(
            (urlsplit(urls["anthropic_url"]).port or 0, urlsplit(urls["e2b_api_url"]).port or 0)
        )
        self._keeper.add([process])
        return urls

    def _rehearsal_command(self, ports: tuple[int, int]) -> list[str]:
        return [
            *(sys.executable, "-m", "rehearsal"),
            *("--anthropic-port", str(ports[0]), "--e2b-port", str(ports[1])),
            *("--data-dir", str(self.data_dir / "rehearsal")),
            *("--pace", self.env.get("REHEARSAL_PACE", "1.0")),
        ]

    def log_of(self, name: str) -> Path:
        directory = self.data_dir / "logs"
        directory.mkdir(exist_ok=True)
        return directory / f"{name}.log"

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


def _addresses(log: Path) -> dict[str, str]:
    """The addresses that the rehearsal servers print once they answer; empty until then."""
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            addresses: dict[str, str] = json.loads(line)
            return addresses
    return {}


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
