"""A whole install for a journey: the rehearsal servers and worker processes, on the test database."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connection

LIMIT_SECONDS = 150


def wait_until(condition: Callable[[], Any], what: str, limit: float = LIMIT_SECONDS) -> Any:
    """The condition's first true value; fails with `what` after a generous time limit."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    pytest.fail(f"not within {limit:.0f} s: {what}")


class Rehearsal:
    """The rehearsal servers, in their own process."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        command = [sys.executable, "-m", "rehearsal", "--data-dir", str(data_dir), "--pace", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.urls = json.loads(self.process.stdout.readline())

    @property
    def env(self) -> dict[str, str]:
        return {
            "ANTHROPIC_API_KEY": "rehearsal",
            "ANTHROPIC_BASE_URL": self.urls["anthropic_url"],
            "REHEARSED_MODEL": "true",
            "E2B_API_KEY": Path(self.urls["e2b_api_key_file"]).read_text(),
            "E2B_API_URL": self.urls["e2b_api_url"],
            "E2B_SANDBOX_URL": self.urls["e2b_sandbox_url"],
        }

    def billed(self, job_id: Any) -> int:
        """What the rehearsal's provider charged for the job, in µ$."""
        answer = httpx.get(f"{self.urls['anthropic_url']}/rehearsal/billed", params={"user_id": str(job_id)})
        return int(answer.json()["totals"]["cost_microdollars"])

    def fail_with(self, *faults: dict[str, Any]) -> None:
        httpx.post(f"{self.urls['anthropic_url']}/rehearsal/faults", json=list(faults)).raise_for_status()

    def fail_sandbox_with(self, *faults: dict[str, Any]) -> None:
        """The next requests to the sandboxes' provider; earlier faults are forgotten."""
        self._sandbox_faults("DELETE")
        self._sandbox_faults("POST", json=list(faults))

    def sandbox_faults_left(self) -> Any:
        """Those that no request has met yet."""
        return self._sandbox_faults("GET")

    def _sandbox_faults(self, method: str, **request: Any) -> Any:
        url = f"{self.urls['e2b_api_url']}/rehearsal/faults"
        headers = {"X-API-KEY": self.env["E2B_API_KEY"].strip()}
        return httpx.request(method, url, headers=headers, **request).raise_for_status().json()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"))
    yield servers
    servers.stop()


class Workers:
    """Worker processes on the test database; `kill` is SIGKILL, `stop` SIGTERM."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._env = env
        self.log = log
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "run_worker"]
            worker = subprocess.Popen(command, env=self._env, cwd=settings.BASE_DIR, stdout=log, stderr=log)
        self.running.append(worker)
        return worker

    def end(self, worker: subprocess.Popen[bytes], number: int) -> int:
        worker.send_signal(number)
        self.running.remove(worker)
        return worker.wait(60)

    def close(self) -> None:
        for worker in list(self.running):
            self.end(worker, signal.SIGTERM)


@pytest.fixture
def workers(transactional_db: None, rehearsal: Rehearsal, tmp_path: Path) -> Iterator[Workers]:
    database = connection.settings_dict
    env = {
        **os.environ,
        **rehearsal.env,
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(tmp_path / "data"),
    }
    (tmp_path / "data").mkdir()
    workers = Workers(env, tmp_path / "worker.log")
    yield workers
    workers.close()
