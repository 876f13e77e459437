"""All sandboxes of a server: create, find, list, expire and remove them, and find them after a restart."""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from .confinement import Mode
from .errors import AlreadyPaused, ConfinementUnavailable, NotFound
from .guest_link import working_mode
from .record import FILE, Record, now
from .sandbox import Sandbox, delete, make_directory


class Fleet:
    """The sandboxes by id. Call `open` before use and `close` afterwards."""

    def __init__(self, data_dir: Path, port: int, unconfined: bool | None) -> None:
        self.data_dir = data_dir
        self.domain = f"localhost:{port}"
        self.mode = Mode.UNCONFINED
        self.reason = ""
        self._unconfined = unconfined
        self._sandboxes: dict[str, Sandbox] = {}
        self._by_key: dict[str, str] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._expiring: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Find out how commands can be confined here, and load the sandboxes of an earlier run."""
        (self.data_dir / "sandboxes").mkdir(parents=True, exist_ok=True)
        self.mode, self.reason = await self._choose_mode()
        if self._unconfined is False and self.mode is Mode.UNCONFINED:
            raise ConfinementUnavailable(self.reason)
        for directory in (self.data_dir / "sandboxes").iterdir():
            if (directory / FILE).exists():
                self._adopt(directory)
            else:
                delete(directory)

    async def _choose_mode(self) -> tuple[Mode, str]:
        if self._unconfined:
            return Mode.UNCONFINED, "confinement was switched off"
        scratch = self.data_dir / "probe"
        try:
            return await working_mode(scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _adopt(self, directory: Path) -> None:
        """A sandbox of an earlier run: its processes are gone, its files are unchanged."""
        record = Record.load(directory)
        if record.state == "running":
            record.state = "paused"
            record.save(directory)
        self._add(Sandbox(record, directory, self.mode))

    def _add(self, sandbox: Sandbox) -> None:
        self._sandboxes[sandbox.id] = sandbox
        if sandbox.record.idempotency_key:
            self._by_key[sandbox.record.idempotency_key] = sandbox.id

    async def close(self) -> None:
        """End all processes of all sandboxes."""
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*self._expiring, return_exceptions=True)
        await asyncio.gather(*(sandbox.close() for sandbox in self._sandboxes.values()))

    def create(self, record: Record, timeout: int) -> Sandbox:
        """A new sandbox, or the one created earlier with the same idempotency key."""
        key = record.idempotency_key
        if key and self._by_key.get(key) in self._sandboxes:
            return self._sandboxes[self._by_key[key]]
        sandbox = Sandbox(record, make_directory(self.data_dir, record), self.mode)
        self._add(sandbox)
        self.extend(sandbox, timeout)
        return sandbox

    def get(self, sandbox_id: str) -> Sandbox:
        if sandbox_id not in self._sandboxes:
            raise NotFound(f"sandbox {sandbox_id} was not found")
        return self._sandboxes[sandbox_id]

    def all(self) -> list[Sandbox]:
        return list(self._sandboxes.values())

    def extend(self, sandbox: Sandbox, timeout: int) -> None:
        """Let it live for timeout seconds from now; then it is paused or killed, as chosen when created."""
        sandbox.stay(timeout)
        if timer := self._timers.pop(sandbox.id, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[sandbox.id] = loop.call_later(timeout, self._spawn, lambda: self._expire(sandbox))

    async def connect(self, sandbox: Sandbox, timeout: int, *, memory: bool) -> None:
        """Resume it if it is paused; never shortens a running one's lifetime."""
        was_running = sandbox.running
        await sandbox.resume(memory=memory)
        if not was_running or (sandbox.record.ends - now()).total_seconds() < timeout:
            self.extend(sandbox, timeout)

    async def remove(self, sandbox: Sandbox) -> None:
        self._sandboxes.pop(sandbox.id, None)
        if timer := self._timers.pop(sandbox.id, None):
            timer.cancel()
        await sandbox.remove()

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        self._expiring.add(task)
        task.add_done_callback(self._expiring.discard)

    async def _expire(self, sandbox: Sandbox) -> None:
        if sandbox.id not in self._sandboxes or not sandbox.running:
            return
        if not sandbox.record.auto_pause:
            await self.remove(sandbox)
            return
        with contextlib.suppress(AlreadyPaused):
            await sandbox.pause(memory=sandbox.record.auto_pause_memory)
