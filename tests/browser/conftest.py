"""A real Chromium at a real daphne, on the test database."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]

LIMIT = 20_000  # ms, generous: the machine may be busy


def chromium_path() -> str:
    return settings.CHROMIUM or shutil.which("chromium") or shutil.which("chromium-browser") or ""


def server_environment() -> dict[str, str]:
    """The test run's own settings, services and database, for a process of its own."""
    database = connection.settings_dict
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": settings.REDIS_URL,
    }


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of a web process that reads what the test commits."""
    listener = socket.create_server(("127.0.0.1", 0))  # a browser that comes early waits in its queue
    command = [sys.executable, "-m", "daphne", "--fd", str(listener.fileno()), "cofounder.asgi:application"]
    with (tmp_path / "daphne.log").open("w") as log:
        process = subprocess.Popen(
            command,
            env=server_environment(),
            stdout=log,
            stderr=log,
            cwd=settings.BASE_DIR,
            pass_fds=[listener.fileno()],
        )
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture
def chromium() -> Iterator[Any]:
    path = chromium_path()
    if not path:
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="CANNOT RUN: playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def cookie(founder: Any) -> str:
    """What keeps the founder signed in."""
    client = Client()
    client.force_login(founder)
    return client.cookies["sessionid"].value


@pytest.fixture
def page(server: str, cookie: str, chromium: Any) -> Any:
    """A tab of the founder's, signed in. Ask for it last: this thread may not use the database after it."""
    context = chromium.new_context(base_url=server, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(LIMIT)
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": server}])
    return context.new_page()
