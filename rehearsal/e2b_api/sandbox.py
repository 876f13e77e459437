"""One sandbox: a directory that lasts and processes that come and go; it is running or paused."""

import asyncio
import contextlib
import os
import shutil
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

from . import outlet
from .bubblewrap import Way
from .command import Command, Cut, Listener
from .errors import AlreadyPaused, ConfinementUnavailable, NotFound, NotRunning
from .guest_link import GuestLink
from .limits import Limits
from .record import FILE, Record, State, now
from .warden import Watch

INTERRUPTED = Cut("unavailable", "the connection to the sandbox ended before the stream completed")


class Sandbox:
    """Its processes start with the first request that needs them, so that creating one is cheap."""

    def __init__(self, record: Record, directory: Path, way: Way | None, limits: Limits) -> None:
        self.record = record
        self.directory = directory
        self.watch = Watch(directory, limits.memory, limits.disk)
        self.commands: dict[int, Command] = {}
        self._way = way
        self._limits = limits
        self._link: GuestLink | None = None
        self._outlet: outlet.Outlet | None = None
        self._lock = asyncio.Lock()
        self._awake = asyncio.Event()
        if record.state == "running":
            self._awake.set()

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def running(self) -> bool:
        return self.record.state == "running"

    def check_running(self) -> None:
        if not self.running:
            raise NotRunning(f"The sandbox {self.id} was not found")

    @property
    def live_link(self) -> GuestLink | None:
        """The current processes; None when nothing was started yet, or all of it is gone or frozen."""
        return self._link if self.running and self._link and not self._link.gone.is_set() else None

    async def link(self) -> GuestLink:
        """The running processes; starts them if necessary."""
        async with self._lock:
            self.check_running()
            if self._link is None or self._link.gone.is_set():
                self.commands.clear()
                await self._close_outlet()
                self._link = await self._boot()
            return self._link

    async def _boot(self) -> GuestLink:
        if self._way is None:
            raise ConfinementUnavailable
        try:
            link = await GuestLink.boot(self._way, self._limits, self.directory)
        except ConfinementUnavailable as error:
            # It worked when the server started: the machine is too busy, or has no room for more processes.
            raise NotRunning(f"The sandbox did not start: {error}") from error
        if self._has_network:
            _, [fd] = await link.call("listen", port=outlet.PORT)
            self._outlet = outlet.Outlet()
            await self._outlet.start(socket.socket(fileno=fd))
        return link

    @property
    def _has_network(self) -> bool:
        return self._limits.network and self.record.allow_internet_access is not False

    def stay(self, timeout: int) -> None:
        """Live for timeout seconds from now."""
        self.record.end_at = (now() + timedelta(seconds=timeout)).isoformat()
        self.record.save(self.directory)

    async def pause(self, *, memory: bool) -> None:
        """Freeze the processes, or end them if their memory is not kept."""
        async with self._lock:
            if not self.running:
                raise AlreadyPaused(f"sandbox {self.id} is paused already")
            self._set_state("paused")
            self._send_listeners_away()
            await (self._tell("freeze") if memory else self._end_processes())

    async def resume(self, *, memory: bool) -> None:
        """Continue where it was paused; without kept memory, with the files alone."""
        async with self._lock:
            if self.running:
                return
            await (self._tell("thaw") if memory else self._end_processes())
            self._set_state("running")

    async def close(self) -> None:
        """End the processes and keep the files."""
        async with self._lock:
            self._send_listeners_away()
            await self._end_processes()

    async def remove(self) -> None:
        """End the processes and delete the files."""
        async with self._lock:
            self.record.state = "paused"
            self._send_listeners_away()
            await self._end_processes()
            await asyncio.to_thread(delete, self.directory)

    async def start(
        self, config: dict[str, Any], tag: str | None, *, stdin: bool, timeout: float | None
    ) -> tuple[Command, Listener]:
        """Start a command; after timeout seconds it is ended with everything it started."""
        link = await self.link()
        way_out = outlet.ENVS if self._has_network else {}
        envs = {**way_out, **self.record.envs, **config.get("envs", {})}
        command = Command(link, {**config, "envs": envs}, tag)
        listener = await command.start(stdin=stdin, timeout=timeout, awake=self._awake)
        command.config = config
        self.commands[command.pid] = command
        return command, listener

    def command(self, selector: dict[str, Any]) -> Command:
        """The running command with this pid or tag."""
        for command in self.live_commands():
            if command.pid == selector.get("pid") or (command.tag and command.tag == selector.get("tag")):
                return command
        raise NotFound(f"process with pid {selector.get('pid')} not found")

    def live_commands(self) -> list[Command]:
        self.commands = {pid: command for pid, command in self.commands.items() if not command.ended.is_set()}
        return list(self.commands.values())

    def _set_state(self, state: State) -> None:
        self.record.state = state
        self.record.save(self.directory)
        if state == "running":
            self._awake.set()
        else:
            self._awake.clear()

    def _send_listeners_away(self) -> None:
        for command in self.live_commands():
            command.cut(INTERRUPTED)

    async def _tell(self, op: str) -> None:
        """Freeze or thaw; processes that ended at the same moment need neither."""
        if self._link is not None:
            with contextlib.suppress(NotRunning):
                await self._link.call(op)

    async def _close_outlet(self) -> None:
        if self._outlet is not None:
            await self._outlet.close()
            self._outlet = None

    async def _end_processes(self) -> None:
        await self._close_outlet()
        if self._link is not None:
            await self._link.end()
            self._link = None
        self.commands.clear()


def delete(directory: Path) -> None:
    """Delete a sandbox's directory, the record first: a directory without a record is no longer a sandbox."""
    (directory / FILE).unlink(missing_ok=True)
    # Top down: a folder that the sandbox closed even to its owner must be opened before it can be listed.
    directory.chmod(0o700)
    for parent, folders, _ in os.walk(directory):
        for folder in folders:
            if not Path(parent, folder).is_symlink():
                Path(parent, folder).chmod(0o700)
    shutil.rmtree(directory)


def directory_of(data_dir: Path, sandbox_id: str) -> Path:
    return data_dir / "sandboxes" / sandbox_id


def make_directory(data_dir: Path, record: Record) -> Path:
    directory = directory_of(data_dir, record.id)
    directory.mkdir(mode=0o700, parents=True)
    for name in ("home", "tmp"):
        (directory / name).mkdir()
    record.save(directory)
    return directory
