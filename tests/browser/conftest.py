"""A real Chromium against a real daphne, on the test database."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import close_old_connections, connection, connections
from django.test import Client

from agents.preview.browser import find_chromium
from cofounder.models import User
from jobs.models import Job
from tests.builds import job, question, working_job
from tests.journeys.conftest import rehearsal, workers

__all__ = ["job", "question", "rehearsal", "workers", "working_job"]

LIMIT = 40_000  # ms, generous because the machine may be busy
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
ARTIFACTS = settings.BASE_DIR / "test-artifacts" / "browser"


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """In a thread: Playwright's event loop runs in this one, and Django forbids database access there."""

    def run() -> Any:
        close_old_connections()
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def say(job: Job, *texts: str, phase: str = "") -> None:
    """Record an event of the agent, in one transaction."""
    from jobs import events
    from jobs.models import EventType

    facts = [(EventType.AGENT_NARRATION, {"text": text, "phase": phase}) for text in texts]
    apart(events.record_all, job.pk, facts)


def until(page: Any, condition: str) -> None:
    """Wait until a script's value is true, without `eval`, which the pages' policy forbids."""
    for _ in range(LIMIT // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {condition}; the page says: {page.inner_text('body')[:500]}")


def keep(page: Any, name: str) -> None:
    """Keep a screenshot with the run's output; git ignores it."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png")


def server_environment() -> dict[str, str]:
    """The test run's own settings, services and database, for a separate process."""
    database = connection.settings_dict
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
        "DEBUG": "false",  # our own error pages
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": settings.REDIS_URL,
    }


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of a web process that sees what the test commits."""
    listener = socket.create_server(("127.0.0.1", 0))  # a browser that connects early waits in its queue
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
    path = find_chromium()
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
def cookie(founder: User) -> str:
    """The founder's session cookie."""
    client = Client()
    client.force_login(founder)
    return client.cookies["sessionid"].value


@pytest.fixture
def tab(server: str, cookie: str, chromium: Any) -> Callable[..., Any]:
    """Open a tab in its own browser, with the founder signed in. Request it last: see `page`."""

    def open_tab(*, signed_in: bool = True, **options: Any) -> Any:
        context = chromium.new_context(base_url=server, **{"viewport": LAPTOP, **options})
        context.set_default_timeout(LIMIT)
        if signed_in:
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": server}])
        return context.new_page()

    return open_tab


@pytest.fixture
def page(tab: Callable[..., Any]) -> Any:
    """The founder's tab, signed in. Request it last: this thread may not use the database afterwards."""
    return tab()
