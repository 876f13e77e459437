"""The app the agent builds: its declaration, starting it, and asking whether its page works."""

import asyncio
import time

from agents.output import cut_middle
from agents.preview.declaration import Declaration, PreviewError, declaration
from agents.preview.probe import Status, ask
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace

GROUP = "app"  # the app's process groups: they survive a change of epoch
START_SECONDS = 60.0
POLL_SECONDS = 0.2
LOG_CHARACTERS = 2000


class AppFailed(PreviewError):
    """The app did not start."""


async def start_app(workspace: Workspace, declared: Declaration) -> str:
    """Restart the app, wait until it answers from outside, and return its URL.

    Everything else that runs in the sandbox is stopped first: a server the agent left running would occupy
    the port, and the app would seem to work without its declaration. `AppFailed` carries the end of its log.
    """
    await workspace.end_all_groups()
    env = {"PORT": str(declared.port)}
    started = await workspace.run(declared.start, background=True, env=env, kind=GROUP)
    url = workspace.host(declared.port)
    deadline = time.monotonic() + START_SECONDS
    while (await ask(url)).http_status is None:
        if not await _is_starting(workspace, started.group):
            raise AppFailed(
                f"The app exited right after it was started.\n{await _log(workspace, started.group)}"
            )
        if time.monotonic() > deadline:
            raise AppFailed(
                f"The app did not answer on port {declared.port} within {START_SECONDS:.0f} s. "
                f"It must listen on 0.0.0.0.\n{await _log(workspace, started.group)}"
            )
        await asyncio.sleep(POLL_SECONDS)
    return url


async def bring_up(workspace: Workspace) -> tuple[str, "Status"]:
    """Start the app as declared. Returns its URL, "" when it does not start, and its page's status."""
    try:
        url = await start_app(workspace, await declaration(workspace))
    except PreviewError:
        return "", Status.DOWN
    return url, (await ask(url)).status


async def _is_starting(workspace: Workspace, group: str) -> bool:
    """Whether the app is running or about to: its process group is recorded a moment after the start."""
    if await workspace.is_alive(group):
        return True
    await asyncio.sleep(POLL_SECONDS)
    return await workspace.is_alive(group)


async def _log(workspace: Workspace, group: str) -> str:
    log = f"{STATE}/logs/{group}.log".removeprefix("/home/user/")
    tail = await workspace.script('tail -c 20000 "$HOME/$1" 2> /dev/null || true', log)
    return workspace.redact(cut_middle(tail, LOG_CHARACTERS)).strip()
