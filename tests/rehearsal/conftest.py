"""Fixtures of the local sandboxes' tests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.e2b_server import E2BServer, serve


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[E2BServer]:
    async with serve(tmp_path) as running:
        await running.need_confinement()
        yield running


@pytest.fixture
async def sandbox(server: E2BServer) -> Any:
    return await server.sandboxes.create(timeout=300)
