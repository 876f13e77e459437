"""The local sandboxes: E2B's control plane, envd and previews on one port, chosen by host and header."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from .bubblewrap import Way
from .control_plane import create_control_plane
from .envd import create_envd
from .faulty import Faults, Faulty
from .fleet import Fleet
from .key import kept_key
from .limits import Limits
from .preview import Preview

PREVIEW_HOST = re.compile(rb"(\d{1,5})-(i[a-z0-9]+)\.localhost(?::\d+)?")


class Doors:
    """Routes a request to the part it is meant for."""

    def __init__(self, fleet: Fleet, key: str, faults: Faults) -> None:
        self._hosts = _own_hosts(fleet.domain)
        self._control_plane = Faulty(create_control_plane(fleet, key, faults), fleet, faults)
        self._envd = Faulty(create_envd(fleet), fleet, faults)
        self._preview = Preview(fleet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        headers = dict(scope["headers"])
        if host := PREVIEW_HOST.fullmatch(headers.get(b"host", b"")):
            await self._preview.serve(host[2].decode(), int(host[1]), scope, receive, send)
        elif headers.get(b"host", b"").lower() not in self._hosts:
            # A page in the operator's browser whose name was made to lead here.
            await PlainTextResponse("This server does not answer to that name.", 421)(scope, receive, send)
        elif b"e2b-sandbox-id" in headers:
            await self._envd(scope, receive, send)
        else:
            await self._control_plane(scope, receive, send)


def _own_hosts(domain: str) -> set[bytes]:
    port = domain.rpartition(":")[2]
    return {f"{name}:{port}".encode() for name in ("localhost", "127.0.0.1", "[::1]")}


def create_app(
    data_dir: Path,
    port: int,
    *,
    key: str | None = None,
    limits: Limits | None = None,
    ways: Iterable[Way] | None = None,
) -> Starlette:
    """An E2B that keeps its sandboxes in data_dir, is reached on port, and asks for its own key.

    Commands are always confined, in the first of the ways that works; where none does, no sandbox is created.
    """
    data_dir = data_dir.resolve()
    fleet = Fleet(data_dir, port, limits or Limits(), ways)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await fleet.open()
        try:
            yield
        finally:
            await fleet.close()

    faults = Faults()
    doors = Doors(fleet, key or kept_key(data_dir), faults)
    app = Starlette(routes=[Mount("/", app=doors)], lifespan=lifespan)
    app.state.fleet = fleet
    app.state.faults = faults
    return app
