import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.redis_server import RedisServer


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A running Redis for this test alone; the path of its socket is short enough."""
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(Path(directory))
        server.start()
        yield server
        server.kill()
