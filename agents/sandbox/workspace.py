"""The workspace: files and commands in the agent's sandbox."""

import asyncio
import posixpath
import shlex
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import e2b
from django.conf import settings

from agents.beside import beside
from agents.errors import SandboxGone, SandboxTaken, ScriptFailed
from agents.output import Output
from agents.sandbox import process_groups, provider
from agents.sandbox.layout import ENTER, ROOT, STATE
from agents.sandbox.provider import control_plane_errors, envd_errors
from agents.sandbox.redaction import Redactor
from agents.turns import ToolFailure

LONGEST_PATH = 4096
END_SECONDS = 15.0  # to wait for a process group to end
SCRIPT_SECONDS = 300.0

# Prints the workspace's path, the path after following links, and what is there.
LOOK = (
    process_groups.OWNED
    + ENTER
    + r"""
realpath -mz -- . "$1"
if [ -d "$1" ]; then printf directory
elif [ -f "$1" ]; then stat -Lc %s -- "$1"
elif [ -e "$1" ]; then printf other
fi
"""
)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. `output` has both streams in order; long output has its middle cut out."""

    exit_code: int
    stdout: str
    stderr: str
    output: str
    timed_out: bool
    duration_ms: int
    log: str = ""  # the absolute path a background command writes to
    group: str = ""  # the name of its process group's record


@dataclass(frozen=True)
class PortAnswer:
    """Whether a command listens: after how many `seconds`, or None. `log` is the end of its output."""

    seconds: int | None
    state: str  # "running for 3 s", "exited with 1", "was stopped"
    log: str


@dataclass(frozen=True)
class Entry:
    """What is at a path, after following links. `path` is relative to the workspace, `size` in bytes."""

    path: str
    kind: str  # "file", "directory", "other" or "" when there is nothing
    size: int = 0


class Workspace:
    """A connected sandbox. Create it with `Workspace.open`."""

    def __init__(self, sandbox: e2b.AsyncSandbox, *, project_id: str, owner: tuple[str, int]) -> None:
        self.project_id = project_id
        self.envs: dict[str, str] = {}
        self.redact = Redactor()
        self._hidden: set[str] = set()
        self.is_new = False
        self.left_out: list[str] = []  # files that contain a secret, as found by the last snapshot
        self.snapshot_lock = asyncio.Lock()  # one snapshot at a time
        self._sandbox = sandbox
        self._job_id, self.epoch = owner

    @classmethod
    async def open(
        cls,
        *,
        project_id: uuid.UUID | str,
        job_id: uuid.UUID | str,
        epoch: int,
        sandbox_id: str = "",
        envs: Mapping[str, str] | None = None,
        may_create: bool = True,
    ) -> "Workspace":
        """Connect to the job's sandbox, or create one; end what older epochs left running in it.

        `envs` are set for every command and redacted from the tools' results. Raises `SandboxTaken` when a
        later epoch of the job is using it, and `SandboxGone` when it is gone and `may_create` is false.
        """
        owner = (str(job_id), epoch)
        for _ in range(2):
            # The idempotency key contains the predecessor, so a worker that died before it saved the id does
            # not leave a second sandbox behind.
            sandbox = await provider.connect(sandbox_id) if sandbox_id else None
            is_new = sandbox is None
            if sandbox is None:
                if not may_create:
                    break
                sandbox = await provider.create(str(project_id), str(job_id), predecessor=sandbox_id)
            workspace = cls(sandbox, project_id=str(project_id), owner=owner)
            await workspace.use_secrets(envs or {})
            workspace.is_new = is_new
            try:
                await workspace._take_over()
                return workspace
            except SandboxGone:
                # It has just ended, or the key led to one that ended earlier: create its successor.
                sandbox_id = sandbox.sandbox_id
        raise SandboxGone

    @property
    def sandbox_id(self) -> str:
        return self._sandbox.sandbox_id

    @property
    def job_id(self) -> str:
        return self._job_id

    async def _take_over(self) -> None:
        await self._unless_taken(
            process_groups.TAKE_OVER, self._job_id, str(self.epoch), process_groups.BACKGROUND
        )
        await self.end_older_groups()

    async def use_secrets(self, envs: Mapping[str, str]) -> None:
        """Set these for every command from now on; the values of earlier ones stay redacted too."""
        self.envs = dict(envs)
        if not self._hidden.issuperset(envs.values()):
            self._hidden.update(envs.values())
            self.redact = await beside(Redactor, frozenset(self._hidden))

    # Lifetime

    async def extend(self) -> None:
        """Keep it alive for another lifetime from now."""
        with control_plane_errors():
            await self._sandbox.set_timeout(settings.SANDBOX_LIFETIME_SECONDS)

    async def pause(self) -> None:
        """Pause it, keeping memory and disk; writes are flushed first."""
        await self.owned(process_groups.OWNED + "sync")
        with control_plane_errors():
            await self._sandbox.pause()

    async def kill(self) -> None:
        """End it for good. Does nothing if it is already gone."""
        with suppress(SandboxGone), control_plane_errors():
            await self._sandbox.kill()

    def host(self, port: int) -> str:
        """The public URL of a port of the sandbox."""
        return provider.url_of(self._sandbox.get_host(port))

    # Files

    async def look(self, path: str) -> Entry:
        """What is at a path the model named. Raises `ToolFailure` when that is outside the workspace."""
        relative = _relative(path)
        answer = await self.owned(LOOK, relative or ".")
        root, real, found = answer.split("\0")
        if real != root and not real.startswith(root + "/"):
            raise ToolFailure("outside_workspace", f"{path} leads outside the workspace.")
        inside = posixpath.relpath(real, root)
        if found.strip().isdigit():
            return Entry(inside, "file", int(found))
        return Entry(inside, found.strip())

    async def read(self, path: str) -> bytes:
        """A file's content. Raises `FileNotFoundError`."""
        entry = await self.look(path)
        with envd_errors(path):
            return bytes(await self._sandbox.files.read(f"{ROOT}/{entry.path}", format="bytes"))

    async def write(self, path: str, content: bytes) -> None:
        """Write a file, creating its directories."""
        entry = await self.look(path)
        with envd_errors(path):
            await self._sandbox.files.write(f"{ROOT}/{entry.path}", content)

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """Stream one of our own files, below `STATE`, from the sandbox."""
        with envd_errors(path):
            async with await self._sandbox.files.read(path, format="stream") as chunks:
                async for chunk in chunks:
                    yield chunk

    async def upload(self, path: str, content: IO[bytes] | bytes) -> None:
        """Stream one of our own files, below `STATE`, to the sandbox."""
        with envd_errors(path):
            await self._sandbox.files.write(path, content)

    # Commands

    async def script(self, script: str, *arguments: str) -> str:
        """Run a script of ours to its end and return its output. Raises `ScriptFailed` on a non-zero exit."""
        command = shlex.join(["bash", "-c", script, "cofounder", *arguments])
        with envd_errors():
            try:
                result = await self._sandbox.commands.run(command, timeout=SCRIPT_SECONDS)
            except e2b.CommandExitException as error:
                raise ScriptFailed(error.exit_code, error.stderr or error.stdout) from None
            return str(result.stdout)

    async def owned(self, script: str, *arguments: str) -> str:
        """Run a script that has `processes.OWNED`. Raises `SandboxTaken` when a newer worker is in charge."""
        return await self._unless_taken(script, f"{self._job_id} {self.epoch}", *arguments)

    async def _unless_taken(self, script: str, *arguments: str) -> str:
        try:
            return await self.script(script, *arguments)
        except ScriptFailed as error:
            if error.exit_code == process_groups.TAKEN:
                raise SandboxTaken from error
            raise

    async def run(
        self,
        command: str,
        *,
        timeout: float = 120.0,
        background: bool = False,
        env: Mapping[str, str] | None = None,
        kind: str = "",
        name: str = "",
        port: int = 0,
    ) -> CommandResult:
        """Run the agent's command in the workspace, in a recorded process group of its own.

        A timeout (in seconds) or a cancellation ends the whole group. A background command is only started;
        it writes to `CommandResult.log` and has no timeout. `kind` marks groups for `end_kind`. The agent can
        ask for a background command by its `name`, until another takes it; `port` is the one to listen on.
        """
        group = f"{kind}-{uuid.uuid4().hex[:12]}" if kind else f"{self._prefix}{uuid.uuid4().hex[:12]}"
        log = f"{STATE}/logs/{group}.log" if background else ""
        if name:
            await self._take_name(name, group, port)
        output = Output()
        started = time.monotonic()
        exit_code, timed_out = 0, False
        try:
            handle = await self._start(group, command, bool(log), {**self.envs, **(env or {})}, output)
            try:
                if not background:
                    async with asyncio.timeout(timeout):
                        exit_code = await _exit_code(handle)
            finally:
                await handle.disconnect()
        except TimeoutError:
            timed_out, exit_code = True, 124
            await self.end_group(group)
        except asyncio.CancelledError:
            await _finish_despite_cancellation(self.end_group(group))
            raise
        return CommandResult(
            exit_code,
            output.stdout.text(),
            output.stderr.text(),
            output.both.text(),
            timed_out,
            int((time.monotonic() - started) * 1000),
            log,
            group,
        )

    async def _take_name(self, name: str, group: str, port: int) -> None:
        try:
            await self.script(process_groups.TAKE_NAME, name, group, str(port))
        except ScriptFailed as error:
            if error.exit_code == process_groups.RUNNING:
                raise ToolFailure(
                    "already_running",
                    f"{name} is still running, and nothing was started. End it with `background end {name}`, "
                    "or take another name.",
                ) from error
            if error.exit_code == process_groups.LISTENING:
                raise ToolFailure(
                    "already_running",
                    f"Something listens on port {port} already, and nothing was started. `background` lists "
                    "what is running.",
                ) from error
            raise

    async def wait_for_port(self, group: str, port: int, seconds: int) -> PortAnswer:
        """Wait until a background command listens on a port, has ended, or the time is over."""
        answer = await self.script(process_groups.WAIT_FOR_PORT, group, str(port), str(seconds))
        waited, state, log = [*answer.split("\n", 2), "", ""][:3]
        return PortAnswer(int(waited) if waited else None, state, log)

    async def _start(
        self, group: str, command: str, to_log: bool, envs: Mapping[str, str], output: Output
    ) -> Any:
        start = shlex.join(
            ["bash", "-c", process_groups.RUN, "cofounder", group, f"{self._job_id} {self.epoch}"]
        )
        redirect = f' > "$HOME/.cofounder/logs/{group}.log" 2>&1' if to_log else ""
        with envd_errors():
            return await self._sandbox.commands.run(
                f"exec setsid --wait {start}{redirect}",
                background=True,
                envs={**envs, "COFOUNDER_COMMAND": command},
                on_stdout=output.add_stdout,
                on_stderr=output.add_stderr,
                timeout=0,
                retain_output=False,
            )

    # Process groups

    @property
    def _prefix(self) -> str:
        return f"{self.epoch}-{self._job_id[:8]}-"

    async def end_group(self, group: str) -> None:
        """End one command with everything it started; if it has not started yet, it never will."""
        with suppress(SandboxGone):
            await self.script(process_groups.END_ONE, group)

    async def end_kind(self, kind: str) -> None:
        await self.script(process_groups.END_KIND, f"{kind}-")

    async def end_older_groups(self) -> None:
        """End what other epochs left running, except the app."""
        await self.script(process_groups.END_OLDER, self._prefix)

    async def end_all_groups(self) -> None:
        """End every command. Raises `SandboxTaken` when a newer worker has taken over the sandbox."""
        await self.owned(process_groups.END_ALL)

    async def is_alive(self, group: str) -> bool:
        try:
            await self.script(process_groups.IS_ALIVE, group)
        except ScriptFailed:
            return False
        return True


async def _exit_code(handle: Any) -> int:
    with envd_errors():
        try:
            await handle.wait()
        except e2b.CommandExitException as error:
            return int(error.exit_code)
    return 0


async def _finish_despite_cancellation(ending: Any) -> None:
    """Wait for `ending` although this task is being cancelled; its errors do not hide the cancellation."""
    task = asyncio.ensure_future(ending)
    deadline = time.monotonic() + END_SECONDS
    while not task.done() and (left := deadline - time.monotonic()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task], timeout=left)
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()


def _relative(path: str) -> str:
    """A path the model named, relative to the workspace, before links are followed."""
    if "\0" in path or len(path) > LONGEST_PATH:
        raise ToolFailure("invalid_input", "This is not a valid path.")
    inside = posixpath.normpath(posixpath.join(ROOT, path))
    if inside != ROOT and not inside.startswith(ROOT + "/"):
        raise ToolFailure("outside_workspace", f"{path} is outside the workspace. Use a path relative to it.")
    return posixpath.relpath(inside, ROOT)
