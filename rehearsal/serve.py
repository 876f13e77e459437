"""Both rehearsal servers in one process, until a signal arrives or the parent process ends."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from rehearsal.anthropic_api.app import create_app as create_anthropic_app
from rehearsal.e2b_api import key
from rehearsal.e2b_api.app import create_app as create_e2b_app
from rehearsal.e2b_api.limits import Limits

HOST = "127.0.0.1"
PARENT_POLL = 0.5
KEEP_ALIVE = 75
"""Longer than a client keeps an idle connection, so that none is closed under a request."""
GRACE = 2
"""Seconds that open requests get when the servers stop."""


class ServeError(Exception):
    """The servers cannot run; the message is shown to a person."""


@dataclass(frozen=True)
class Settings:
    """A port of 0 means any free port."""

    anthropic_port: int
    e2b_port: int
    data_dir: Path
    plays_dir: Path
    pace: float
    limits: Limits


async def serve(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or the parent's death; raises ServeError, and PlayError for a bad play."""
    _make_data_dir(settings.data_dir)
    with listen(settings.anthropic_port) as anthropic_socket, listen(settings.e2b_port) as e2b_socket:
        e2b_dir = settings.data_dir / "e2b"
        e2b_app = create_e2b_app(e2b_dir, _port(e2b_socket), limits=settings.limits)
        anthropic_app = create_anthropic_app(
            settings.plays_dir,
            pace=settings.pace,
            bill_path=settings.data_dir / "anthropic" / "billed.jsonl",
            sandbox_faults=e2b_app.state.faults,
        )
        servers = [_Server(anthropic_app, anthropic_socket), _Server(e2b_app, e2b_socket)]
        _stop_on_signals(servers)

        def announcement() -> str:
            found = e2b_app.state.fleet.holding.facts()
            return _announcement(anthropic_socket, e2b_socket, key.path_of(e2b_dir), found)

        await _run(servers, announcement)


async def _run(servers: list["_Server"], announcement: Callable[[], str]) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(server.run()) for server in servers]
        watch = tasks.create_task(_watch_parent(servers, os.getppid()))
        started = await _have_started(servers, running)
        if started:
            print(announcement(), flush=True)  # noqa: T201 - this line is the program's output
        else:
            _stop(servers)
        await asyncio.wait(running)
        watch.cancel()
    if not started:
        raise ServeError("A rehearsal server could not start; its error is above.")


async def _have_started(servers: list["_Server"], running: list[asyncio.Task[None]]) -> bool:
    """True when all answer, False when one has stopped."""
    while not all(server.started for server in servers):
        if any(task.done() for task in running):
            return False
        await asyncio.sleep(0.01)
    return True


class _Server(uvicorn.Server):
    """uvicorn on our own socket; signals are handled once, for both servers."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self.listener = listener
        # A broken connection is a fault on request, not an error of the app.
        logging.getLogger("uvicorn.error").addFilter(_is_no_torn_answer)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def run(self) -> None:  # type: ignore[override]
        await self.serve(sockets=[self.listener])


def _is_no_torn_answer(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()


def _stop_on_signals(servers: list[_Server]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, servers)


def _stop(servers: list[_Server]) -> None:
    for server in servers:
        server.should_exit = True


async def _watch_parent(servers: list[_Server], parent: int) -> None:
    """A killed supervisor cannot tell us to stop; we notice that we have a new parent process."""
    while os.getppid() == parent:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(PARENT_POLL)
    _stop(servers)


@contextlib.contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """A listening socket on this machine; raises ServeError when the port is taken."""
    # asyncio sends small packets at once (TCP_NODELAY) only if the socket was made with its protocol named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(2048)
        except OSError as error:
            raise ServeError(
                f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another."
            ) from error
        yield listener


def _make_data_dir(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServeError(f"The data directory {data_dir} cannot be made ({error.strerror}).") from error
    if not os.access(data_dir, os.W_OK):
        raise ServeError(f"The data directory {data_dir} is not writable.")


def _announcement(
    anthropic_socket: socket.socket, e2b_socket: socket.socket, key_file: Path, sandbox: dict[str, Any]
) -> str:
    e2b_url = f"http://{HOST}:{_port(e2b_socket)}"
    return json.dumps(
        {
            "anthropic_url": f"http://{HOST}:{_port(anthropic_socket)}",
            "e2b_api_url": e2b_url,
            "e2b_sandbox_url": e2b_url,
            "e2b_api_key_file": str(key_file),
            "sandbox": sandbox,
        }
    )


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
