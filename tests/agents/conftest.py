"""A rehearsal E2B server for the agents' tests; the real SDK talks to it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from agents.sandbox.workspace import Workspace
from tests.rehearsal.e2b_server import in_thread

KEY = "a key"


@pytest.fixture(scope="session")
def e2b_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the whole run, on its own thread, because each test has a new event loop."""
    with in_thread(tmp_path_factory.mktemp("e2b"), key=KEY) as url:
        yield url


@pytest.fixture
def e2b(e2b_url: str, settings: Settings, tmp_path: Path) -> str:
    """The settings point to the rehearsal E2B; files are stored in the test's own directory."""
    settings.E2B_API_KEY = KEY
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
