"""The server's side of a sandbox's first program: requests, answers, and file descriptors both ways."""

import asyncio
import contextlib
import errno
import itertools
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import confinement
from .bubblewrap import Way
from .errors import (
    AlreadyExists,
    ConfinementUnavailable,
    InvalidArgument,
    NoSpace,
    NotFound,
    NotRunning,
    PermissionDenied,
    SandboxError,
)
from .limits import Limits

PACKET = 256 * 1024
BOOT_LIMIT = 20  # seconds; a busy machine needs about one
END_LIMIT = 4
TOO_LONG = "the command, its environment or the path is too long"

ERRORS: dict[int, type[SandboxError]] = {
    errno.ENOENT: NotFound,
    errno.ESRCH: NotFound,
    errno.ECONNREFUSED: NotFound,
    errno.EEXIST: AlreadyExists,
    errno.EACCES: PermissionDenied,
    errno.EPERM: PermissionDenied,
    errno.EROFS: PermissionDenied,
    errno.EDQUOT: NoSpace,
    errno.ENOSPC: NoSpace,
}
Answer = tuple[dict[str, Any], list[int]]
Exit = tuple[int, int]
KILLED: Exit = (-1, 9)


class GuestLink:
    """One running sandbox. `gone` is set when its processes have ended, for whatever reason."""

    def __init__(self, child: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.gone = asyncio.Event()
        self._child = child
        self._control = control
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._sending = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(control.fileno(), self._receive)

    @classmethod
    async def boot(cls, way: Way, limits: Limits, directory: Path) -> "GuestLink":
        """Start the sandbox kept in directory; returns once it answers."""
        confinement.prepare(way.mode, directory)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PACKET)
        ours.setblocking(False)
        filter_ = confinement.filter_file()
        start = confinement.launch(way, limits, directory, theirs.fileno(), filter_)
        try:
            with (
                theirs,
                (directory / "guest.log").open("wb") as log,
                _on(confinement.cpus_of(directory.name)),
            ):
                # From the event loop's own thread: the kernel ends the sandbox when that thread ends.
                child = subprocess.Popen(  # noqa: ASYNC220
                    start.argv,
                    env=start.env,
                    pass_fds=[theirs.fileno(), filter_],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        except OSError as error:
            ours.close()
            raise ConfinementUnavailable(f"it cannot be started ({error.strerror})") from error
        finally:
            os.close(filter_)
        link = cls(child, ours)
        try:
            await asyncio.wait_for(link.call("ping"), BOOT_LIMIT)
        except (SandboxError, TimeoutError) as error:
            await link.end()
            said = (directory / "guest.log").read_text(errors="replace").strip()
            raise ConfinementUnavailable(_reason(said, error)) from error
        return link

    @property
    def pid(self) -> int:
        """Of bubblewrap's outer process, as this machine counts."""
        return self._child.pid

    async def call(self, op: str, fds: Sequence[int] = (), **arguments: Any) -> Answer:
        """Request op; the caller must close the descriptors in the answer."""
        number = next(self._numbers)
        packet = json.dumps({"id": number, "op": op, **arguments}).encode()
        if len(packet) > PACKET:
            raise InvalidArgument(TOO_LONG)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[number] = answer
        try:
            await self._send(packet, fds)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def exit_of(self, pid: int) -> "asyncio.Future[Exit]":
        """A future of the command's end: its exit code (-1 after a signal) and the signal (0 without one)."""
        coming = self._exits.setdefault(pid, self._loop.create_future())
        if self.gone.is_set() and not coming.done():
            coming.set_result(KILLED)
        return coming

    def forget(self, pid: int) -> None:
        """Forget a command that has ended: its pid may be reused."""
        self._exits.pop(pid, None)

    async def end(self) -> None:
        """End all processes of the sandbox."""
        with contextlib.suppress(NotRunning, TimeoutError):
            await asyncio.wait_for(self._send(json.dumps({"id": 0, "op": "end"}).encode(), ()), END_LIMIT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gone.wait(), END_LIMIT)
        self._child.kill()
        await asyncio.to_thread(self._child.wait)
        self._close()

    async def _send(self, packet: bytes, fds: Sequence[int]) -> None:
        async with self._sending:
            while not self.gone.is_set():
                try:
                    socket.send_fds(self._control, [packet], list(fds))
                except BlockingIOError:
                    await self._writable()
                except OSError as error:
                    if error.errno == errno.EMSGSIZE:
                        raise InvalidArgument(TOO_LONG) from error
                    break
                else:
                    return
        raise NotRunning

    async def _writable(self) -> None:
        ready = self._loop.create_future()
        self._loop.add_writer(self._control.fileno(), ready.set_result, None)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._control.fileno())

    def _receive(self) -> None:
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, PACKET, 3)
        except BlockingIOError:
            return
        except OSError:
            packet, fds = b"", []
        if not packet:
            self._close()
            # bubblewrap may wait for processes that the first program left; killing it ends them all.
            self._child.kill()
            self._loop.run_in_executor(None, self._child.wait)
            return
        message = json.loads(packet)
        if "exit" in message:
            done = self.exit_of(message["exit"])
            if not done.done():
                done.set_result((message["code"], message["signal"]))
            return
        self._settle(message, fds)

    def _settle(self, message: dict[str, Any], fds: list[int]) -> None:
        answer = self._waiting.pop(message["id"], None)
        if answer is None or answer.done():
            for fd in fds:
                os.close(fd)
        elif "error" in message:
            answer.set_exception(_typed(message["error"]))
        elif message.get("long"):
            with os.fdopen(fds[0], "rb") as long_reply:
                long_reply.seek(0)
                answer.set_result((json.load(long_reply), []))
        else:
            answer.set_result((message["ok"], fds))

    def _close(self) -> None:
        if self.gone.is_set():
            return
        self.gone.set()
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(NotRunning())
        for exit_ in self._exits.values():
            if not exit_.done():
                exit_.set_result(KILLED)


def _typed(error: dict[str, Any]) -> SandboxError:
    return ERRORS.get(error["errno"], InvalidArgument)(error["message"])


def _reason(said: str, error: Exception) -> str:
    """Why a sandbox did not start: the last line it printed, else what was noticed here."""
    if said:
        return said.splitlines()[-1][:300].rstrip(".")
    if isinstance(error, TimeoutError):
        return f"it did not answer within {BOOT_LIMIT} s"
    return "it ended at once"


@contextlib.contextmanager
def _on(cpus: set[int]) -> Iterator[None]:
    """Start children on these processors only; the filter keeps them from choosing others."""
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):  # a container that allows nobody to choose
        os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)
