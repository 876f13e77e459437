"""A rehearsal E2B server for the agents' tests; the real SDK talks to it."""

import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pytest_django import Settings

from agents.sandbox.workspace import Workspace
from rehearsal.e2b_api.app import create_app
from tests.journeys.conftest import empty_the_queue


@pytest.fixture(scope="session")
def e2b_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the whole run, on its own thread, because each test has a new event loop."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app(tmp_path_factory.mktemp("e2b"), port)
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


@pytest.fixture
def e2b(e2b_url: str, settings: Settings, tmp_path: Path) -> str:
    """The settings point to the rehearsal E2B; files are stored in the test's own directory."""
    settings.E2B_API_KEY = "a key"
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = e2b_url
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            name: {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": str(tmp_path / name)},
            }
            for name in ("default", "snapshots")
        },
    }
    return e2b_url


OpenWorkspace = Callable[..., Awaitable[Workspace]]


@pytest.fixture
async def open_workspace(e2b: str) -> AsyncIterator[OpenWorkspace]:
    """Opens workspaces as a worker does; all are closed after the test."""
    opened: list[Workspace] = []

    async def open_(**fields: Any) -> Workspace:
        defaults = {"project_id": uuid.uuid4(), "job_id": uuid.uuid4(), "epoch": 1}
        workspace = await Workspace.open(**{**defaults, **fields})
        opened.append(workspace)
        return workspace

    yield open_
    for workspace in opened:
        await workspace.kill()


@pytest.fixture
async def workspace(open_workspace: OpenWorkspace) -> Workspace:
    return await open_workspace()


@pytest.fixture
def an_empty_queue(transactional_db: None) -> Iterator[None]:
    """The queue is empty before the test, and is emptied after it."""
    empty_the_queue()
    yield
    empty_the_queue()
