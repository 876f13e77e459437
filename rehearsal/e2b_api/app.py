"""The rehearsal E2B: control plane, envd and previews on one port, chosen by host and header."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from .control_plane import create_control_plane
from .envd import create_envd
from .fleet import Fleet
from .preview import Preview

PREVIEW_HOST = re.compile(rb"(\d{1,5})-(i[a-z0-9]+)\.localhost(?::\d+)?")


class Doors:
    """Routes a request to the part it is meant for."""

    def __init__(self, fleet: Fleet) -> None:
        self._control_plane = create_control_plane(fleet)
        self._envd = create_envd(fleet)
        self._preview = Preview(fleet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        headers = dict(scope["headers"])
        if host := PREVIEW_HOST.fullmatch(headers.get(b"host", b"")):
            await self._preview.serve(host[2].decode(), int(host[1]), scope, receive, send)
        elif b"e2b-sandbox-id" in headers:
            await self._envd(scope, receive, send)
        else:
            await self._control_plane(scope, receive, send)


def create_app(data_dir: Path, port: int, *, unconfined: bool | None = None) -> Starlette:
    """An E2B that keeps its sandboxes in data_dir and is reached on port.

    Commands are confined by bubblewrap where that works. `unconfined=True` never confines; False refuses
    to start where confinement does not work. Without confinement a command is a plain process of the server's
    user: its HOME is the sandbox's directory, `/home/user` is mapped to it in working directories and
    file paths (not inside commands, where that path does not exist), and the network is the machine's
    own, so a preview of port N shows whatever listens on localhost:N.
    """
    fleet = Fleet(data_dir.resolve(), port, unconfined)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await fleet.open()
        try:
            yield
        finally:
            await fleet.close()

    return Starlette(routes=[Mount("/", app=Doors(fleet))], lifespan=lifespan)
