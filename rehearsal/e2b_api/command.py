"""One command in a sandbox: its output for every listener, its input, its end."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import InvalidArgument, SandboxError
from .guest_link import GuestLink

CHUNK = 64 * 1024
BACKLOG = 16  # chunks a slow listener may fall behind before the command has to wait
GRACE = 1.0  # seconds for what an ended sandbox has printed last
SIGKILL, SIGTERM = 9, 15


@dataclass(frozen=True)
class Output:
    stream: Literal["stdout", "stderr"]
    chunk: bytes


@dataclass(frozen=True)
class End:
    code: int
    signal: int


@dataclass(frozen=True)
class Cut:
    """The stream ends, perhaps not the command: the sandbox was paused or is gone, or the time is up."""

    code: str
    message: str


Event = Output | End | Cut


class Listener:
    """A bounded queue of a command's events; when it closes, the command keeps running."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        self._closed = False

    async def put(self, event: Event) -> None:
        if not self._closed:
            await self._events.put(event)

    async def get(self) -> Event:
        return await self._events.get()

    def cut(self, event: Cut) -> None:
        """End the stream now and drop what is still queued."""
        self.close()
        self._events.put_nowait(event)

    def close(self) -> None:
        self._closed = True
        while not self._events.empty():
            self._events.get_nowait()


@dataclass
class Command:
    """A started command. It keeps running when nobody listens; its output is then dropped."""

    link: GuestLink
    config: dict[str, Any]
    tag: str | None
    pid: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _listeners: set[Listener] = field(default_factory=set)
    _stdin: asyncio.WriteTransport | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _pumps: asyncio.Future[Any] | None = None

    async def start(self, *, stdin: bool, timeout: float | None, awake: asyncio.Event) -> Listener:
        """Start it; `timeout` counts only the seconds in which the sandbox is awake."""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        in_read, in_write = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), -1)
        try:
            answer, _ = await self.link.call(
                "spawn",
                (in_read, out_write, err_write),
                argv=[self.config["cmd"], *self.config.get("args", [])],
                envs=self.config.get("envs", {}),
                cwd=self.config.get("cwd", ""),
            )
        except SandboxError:
            for fd in (out_read, err_read, in_write):
                if fd >= 0:
                    os.close(fd)
            raise
        finally:
            for fd in (in_read, out_write, err_write):
                os.close(fd)
        self.pid = answer["pid"]
        if stdin:
            await self._open_stdin(in_write)
        listener = self.listen()
        self._spawn(self._follow(out_read, err_read))
        if timeout is not None:
            self._spawn(self._limit(timeout, awake))
        return listener

    def listen(self) -> Listener:
        listener = Listener()
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.close()

    def cut(self, event: Cut) -> None:
        """Disconnect every listener; the command keeps running."""
        for listener in self._listeners:
            listener.cut(event)
        self._listeners.clear()

    async def signal(self, signum: int) -> None:
        """Signal the command and everything it started; its output ends at once, as at envd."""
        if signum in (SIGKILL, SIGTERM) and self._pumps is not None:
            self._pumps.cancel()
        await self.link.call("signal", pid=self.pid, signum=signum)

    def write(self, data: bytes) -> None:
        if self._stdin is None or self._stdin.is_closing():
            raise InvalidArgument("stdin is not open for this command")
        self._stdin.write(data)

    def close_stdin(self) -> None:
        if self._stdin is not None:
            self._stdin.close()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_stdin(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        self._stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(fd, "wb", 0))

    async def _follow(self, out_read: int, err_read: int) -> None:
        """Forward the output until both pipes are closed or a signal cuts them, then report the end."""
        pumps = asyncio.gather(self._pump("stdout", out_read), self._pump("stderr", err_read))
        self._pumps = pumps
        over = asyncio.ensure_future(self._overdue())
        await asyncio.wait((pumps, over), return_when=asyncio.FIRST_COMPLETED)
        for waiting in (pumps, over):
            waiting.cancel()
        await asyncio.gather(pumps, over, return_exceptions=True)
        code, signum = await self.link.exit_of(self.pid)
        self.link.forget(self.pid)
        self.close_stdin()
        self.ended.set()
        for listener in list(self._listeners):
            await listener.put(End(code, signum))

    async def _overdue(self) -> None:
        await self.link.gone.wait()
        await asyncio.sleep(GRACE)

    async def _pump(self, stream: Literal["stdout", "stderr"], fd: int) -> None:
        reader = asyncio.StreamReader(CHUNK)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
        )
        try:
            while chunk := await reader.read(CHUNK):
                for listener in list(self._listeners):
                    await listener.put(Output(stream, chunk))
        finally:
            transport.close()

    async def _limit(self, timeout: float, awake: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(self.ended.wait(), timeout)
        except TimeoutError:
            await awake.wait()
            self.cut(Cut("deadline_exceeded", "the command's time is over"))
            with contextlib.suppress(SandboxError):  # it ended at the same moment
                await self.signal(SIGKILL)
