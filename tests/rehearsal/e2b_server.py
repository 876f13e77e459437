"""A running server of local sandboxes for the tests, and the real SDK configured for it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from e2b import E2B

from rehearsal.e2b_api.app import create_app
from rehearsal.e2b_api.bubblewrap import Way
from rehearsal.e2b_api.key import kept_key
from rehearsal.e2b_api.limits import Limits


@dataclass
class E2BServer:
    """Where a server is reached; `sandboxes` is the SDK's AsyncSandbox class configured for it."""

    port: int
    data_dir: Path
    sandboxes: Any

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def health(self) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            return dict((await client.get(f"{self.url}/rehearsal/health")).json())

    async def need_confinement(self) -> None:
        """Skip the test on a machine that lets nobody confine anything."""
        health = await self.health()
        if not health["confined"]:
            pytest.skip(f"CANNOT RUN: {health['reason']} {health['fix']}")

    async def preview(
        self, host: str, path: str = "/", method: str = "GET", **request: Any
    ) -> httpx.Response:
        """Send a request to a preview host, whose name does not resolve to this machine everywhere."""
        headers = {"Host": host, **request.pop("headers", {})}
        async with httpx.AsyncClient() as client:
            return await client.request(method, self.url + path, headers=headers, **request)


def bound(port: int, data_dir: Path) -> E2BServer:
    url = f"http://127.0.0.1:{port}"
    client = E2B(api_key=kept_key(data_dir), api_url=url, sandbox_url=url)
    return E2BServer(port, data_dir, client.AsyncSandbox)


@asynccontextmanager
async def serve(
    data_dir: Path, *, limits: Limits | None = None, ways: Sequence[Way] | None = None
) -> AsyncIterator[E2BServer]:
    """A real uvicorn on a free port, in this event loop."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app(data_dir, port, limits=limits, ways=ways)
        config = uvicorn.Config(app, lifespan="on", log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.ensure_future(server.serve(sockets=[listening]))
        await eventually(lambda: server.started or running.done())
        try:
            yield bound(port, data_dir)
        finally:
            server.should_exit = True
            await running


@contextmanager
def in_thread(data_dir: Path, **options: Any) -> Iterator[str]:
    """A server on a thread of its own, for tests that have no event loop or several; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app(data_dir, port, **options)
        config = uvicorn.Config(app, lifespan="on", log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline and thread.is_alive():
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(timeout=30)


async def eventually(check: Callable[[], Any], within: float = 20) -> Any:
    """What check returns once it is true; it may be a coroutine function."""
    end = time.monotonic() + within
    while True:
        found = check()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, f"not true within {within} s"
        await asyncio.sleep(0.02)
