"""All sandboxes of a server: create, find, list, expire and remove them, and find them after a restart."""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from . import holding, warden
from .bubblewrap import Way
from .errors import AlreadyPaused, ConfinementUnavailable, NotFound
from .holding import Holding
from .limits import Limits
from .record import FILE, Record, now
from .sandbox import Sandbox, delete, make_directory
from .warden import Watch

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5


class Fleet:
    """The sandboxes by id. Call `open` before use and `close` afterwards."""

    def __init__(self, data_dir: Path, port: int, limits: Limits, ways: Iterable[Way] | None = None) -> None:
        self.data_dir = data_dir
        self.domain = f"localhost:{port}"
        self.limits = limits
        self._ways = ways
        self.holding = Holding(limits, None, ("It has not been tried yet.",))
        self._sandboxes: dict[str, Sandbox] = {}
        self._by_key: dict[str, str] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._expiring: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Find out how commands can be confined here, and load the sandboxes of an earlier run."""
        (self.data_dir / "sandboxes").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.holding = await self._find_holding()
        for directory in (self.data_dir / "sandboxes").iterdir():
            if (directory / FILE).exists():
                self._adopt(directory)
            else:
                delete(directory)
        self._watching = asyncio.create_task(self._keep_watch())

    async def _find_holding(self) -> Holding:
        scratch = self.data_dir / "probe"
        try:
            return await holding.find(scratch, self.limits, self._ways)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    async def _keep_watch(self) -> None:
        """Look at every sandbox with processes, as long as the server runs."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            links = [(box.watch, box.live_link.pid) for box in self._sandboxes.values() if box.live_link]
            if links:
                await asyncio.to_thread(_look_at, links)

    def _adopt(self, directory: Path) -> None:
        """A sandbox of an earlier run: its processes are gone, its files are unchanged."""
        record = Record.load(directory)
        if record.state == "running":
            record.state = "paused"
            record.save(directory)
        self._add(self._sandbox(record, directory))

    def _sandbox(self, record: Record, directory: Path) -> Sandbox:
        return Sandbox(record, directory, self.holding.way, self.limits)

    def _add(self, sandbox: Sandbox) -> None:
        self._sandboxes[sandbox.id] = sandbox
        if sandbox.record.idempotency_key:
            self._by_key[sandbox.record.idempotency_key] = sandbox.id

    async def close(self) -> None:
        """End all processes of all sandboxes."""
        for timer in self._timers.values():
            timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.gather(*self._expiring, return_exceptions=True)
        await asyncio.gather(*(sandbox.close() for sandbox in self._sandboxes.values()))

    def create(self, record: Record, timeout: int) -> Sandbox:
        """A new sandbox, or the one created earlier with the same idempotency key."""
        key = record.idempotency_key
        if key and self._by_key.get(key) in self._sandboxes:
            return self._sandboxes[self._by_key[key]]
        self._need_a_way()
        sandbox = self._sandbox(record, make_directory(self.data_dir, record))
        self._add(sandbox)
        self.extend(sandbox, timeout)
        return sandbox

    def _need_a_way(self) -> None:
        if self.holding.way is None:
            raise ConfinementUnavailable(self.holding.refusal)

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
        self._need_a_way()
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


def _look_at(links: list[tuple[Watch, int]]) -> None:
    parents = warden.parents()
    for watch, root in links:
        if parents.get(root) != os.getpid():
            continue  # it has ended at the same moment
        try:
            watch.look(root, parents)
        except FileNotFoundError:
            continue  # it has been removed at the same moment
        except Exception:  # whatever is odd about one sandbox, the others are still watched
            log.exception("The limits of %s could not be checked", watch.directory.name)
