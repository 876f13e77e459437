"""Fixtures of the rehearsal E2B's tests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.e2b_server import E2BServer, serve


async def _need_confinement(server: E2BServer) -> None:
    health = await server.health()
    if not health["confined"]:
        pytest.skip(f"CANNOT RUN: commands are not confined on this machine: {health['reason']}")


@pytest.fixture(params=["confined", "unconfined"])
async def either_server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[E2BServer]:
    """A server of each kind."""
    async with serve(tmp_path, unconfined=request.param == "unconfined" or None) as server:
        if request.param == "confined":
            await _need_confinement(server)
        yield server


@pytest.fixture
async def confined_server(tmp_path: Path) -> AsyncIterator[E2BServer]:
    async with serve(tmp_path) as server:
        await _need_confinement(server)
        yield server


@pytest.fixture
async def plain_server(tmp_path: Path) -> AsyncIterator[E2BServer]:
    """A server whose commands are plain processes: for what does not depend on confinement."""
    async with serve(tmp_path, unconfined=True) as server:
        yield server


@pytest.fixture
async def sandbox(either_server: E2BServer) -> Any:
    return await either_server.sandboxes.create(timeout=300)


@pytest.fixture
async def confined_sandbox(confined_server: E2BServer) -> Any:
    return await confined_server.sandboxes.create(timeout=300)
