"""Moving archives between the sandbox and the storage, on threads, in bounded memory."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import IntegrityError

from agents.errors import (
    AgentError,
    SandboxFull,
    ScriptFailed,
    SnapshotFailed,
    StorageAway,
    StorageRefused,
)
from agents.sandbox.layout import EXCLUDED, STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import manifest
from agents.snapshots.bucket_errors import bucket_errors, is_refusal
from agents.snapshots.manifest import Manifest

CHUNK = 1024 * 1024
NO_ROOM = "The sandbox's disk is full."
TOO_LARGE = "The files are too large to be saved: the sandbox does not allow a file of that size."
# Threads of their own: a slow storage may delay other snapshots, and nothing else.
THREADS = ThreadPoolExecutor(4, thread_name_prefix="storage")
CLEAN = 'rm -rf -- "$HOME/.cofounder/snapshots/$1".*'


@dataclass(frozen=True)
class Listed:
    """What the sandbox wrote of its files. Reading, comparing and freeing long lists is work for a thread."""

    found: bytes
    sums: bytes

    def files(self) -> Manifest:
        return manifest.parse(self.found, self.sums)


async def list_files(workspace: Workspace, name: str) -> Listed:
    await workspace.script(manifest.SCRIPT, name, *EXCLUDED)
    found = b"".join([part async for part in workspace.download(f"{STATE}/snapshots/{name}.found")])
    sums = b"".join([part async for part in workspace.download(f"{STATE}/snapshots/{name}.sums")])
    return Listed(found, sums)


@asynccontextmanager
async def scratch(workspace: Workspace) -> AsyncIterator[str]:
    """A name for temporary files in the sandbox; they are removed at the end, if it can still be reached."""
    name = uuid.uuid4().hex
    try:
        yield name
    finally:
        await remove_scratch(workspace, name)


async def remove_scratch(workspace: Workspace, name: str) -> None:
    try:
        await workspace.script(CLEAN, name)
    except AgentError:  # the sandbox went away; its next owner removes what is left
        return


async def on_thread(fn: Any, *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(THREADS, partial(fn, *arguments))


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn the storages' own exceptions, a deleted project and failed scripts into `SnapshotFailed`."""
    try:
        yield
    except ScriptFailed as error:
        raise SnapshotFailed(_in_words(error)) from error
    except SandboxFull as error:
        raise SnapshotFailed(NO_ROOM) from error
    except FileNotFoundError as error:
        raise SnapshotFailed("The archive disappeared from the sandbox while it was being copied.") from error
    except IntegrityError as error:
        raise SnapshotFailed("The project has been deleted in the meantime.") from error
    except bucket_errors(OSError) as error:
        raise (StorageRefused if is_refusal(error) else StorageAway) from error


def _in_words(error: ScriptFailed) -> str:
    said = str(error)
    if "No space left" in said:
        return NO_ROOM
    # 25 is SIGXFSZ, which ends the program that packs.
    return TOO_LARGE if "File too large" in said or "Child died with signal 25" in said else ""
