"""Two web and three worker processes on one database and one Redis, as the deploy document runs them."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client
from knox.models import AuthToken
from websockets.sync.client import connect

from agents.models import AgentMessage, AgentSession, Subscription
from cofounder.models import User
from jobs.models import Job, JobStatus
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief, write_plays

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

TOKEN = "a-token-for-the-metrics"


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Processes:
    """Started like the units of the deploy document; a web process is asked until it is ready."""

    def __init__(self, env: dict[str, str], directory: Path) -> None:
        self.env = {**env, "METRICS_TOKEN": TOKEN, "WORKER_CONCURRENCY": "1"}
        self.log = (directory / "processes.log").open("ab")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=self.env,
            cwd=settings.BASE_DIR,
            stdout=self.log,
            stderr=self.log,
        )
        self.running.append(process)
        return process

    def web(self) -> str:
        port = free_port()
        self.start("-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "cofounder.asgi:application")
        return f"http://127.0.0.1:{port}"

    def worker(self) -> tuple[subprocess.Popen[bytes], int]:
        port = free_port()
        return self.start("manage.py", "run_worker", "--metrics-port", str(port)), port

    def close(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(60)
        self.log.close()


@pytest.fixture
def processes(workers: Workers, tmp_path: Path) -> Iterator[Processes]:
    started = Processes(workers._env, tmp_path)
    yield started
    started.close()


def is_ready(web: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return httpx.get(f"{web}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    return ask


def measured(url: str, name: str, **headers: str) -> float:
    text = httpx.get(url, headers=headers).text
    return sum(float(value) for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE))


def start_build(web: str, api: httpx.Client) -> str:
    project = api.post(f"{web}/api/projects", json=brief("Steps"))
    started = api.post(f"{web}/api/generation/start", json={"project_id": project.json()["id"]})
    assert started.status_code == 201, started.text
    return str(started.json()["job_id"])


def frames(web: str, job_id: str, client: Client) -> Iterator[dict[str, Any]]:
    """The log as another process's browser receives it, until the build is over."""
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    headers = {"Cookie": cookie, "Origin": web}
    with connect(
        f"{web.replace('http', 'ws')}/ws/jobs/{job_id}/?after=0", additional_headers=headers
    ) as bell:
        while True:
            frame = json.loads(bell.recv(timeout=120))
            bell.send(json.dumps({"ack": frame["seq"]}))
            yield frame
            if frame["type"] == "job.status" and frame["status"] in ("ready", "failed"):
                return


def test_builds_go_on_over_a_rolling_restart_and_every_web_shows_them(
    founder: User, processes: Processes
) -> None:
    webs = [processes.web(), processes.web()]
    workers = [processes.worker() for _ in range(3)]
    for web in webs:
        wait_until(is_ready(web), f"{web} to be ready")
    Subscription.objects.filter(user=founder).update(tier="partner")  # a day's budget for three builds
    token = {"Authorization": f"Token {AuthToken.objects.create(founder)[1]}"}
    with httpx.Client(headers=token, timeout=30) as api:
        jobs = [start_build(webs[number % 2], api) for number in range(3)]

    wait_until(lambda: AgentSession.objects.filter(iteration__gte=2).count() == 3, "all three to be at work")
    leaving, _ = workers.pop(0)
    leaving.send_signal(signal.SIGTERM)
    workers.append(processes.worker())
    browser = Client()
    browser.force_login(founder)
    heard = list(frames(webs[1], jobs[0], browser))
    wait_until(lambda: Job.objects.filter(status=JobStatus.READY).count() == 3, "all three to be ready")

    assert leaving.wait(60) == 0
    assert [frame["seq"] for frame in heard] == list(range(1, heard[-1]["seq"] + 1))
    for job_id in jobs:
        assert_whole(job_id)
    counted = 'cofounder_iteration_seconds_count{part="model"}'
    assert sum(measured(f"http://127.0.0.1:{port}/metrics", counted) > 0 for _, port in workers) >= 2
    key: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}"}
    for web in webs:
        assert measured(f"{web}/metrics", 'cofounder_sessions{state="completed"}', **key) == 3
        assert measured(f"{web}/metrics", "cofounder_workers", **key) == 3
    assert measured(f"{webs[1]}/metrics", "cofounder_events_delivered_total", **key) >= len(heard)


def assert_whole(job_id: str) -> None:
    """Every event and row is there once, and every tool call has its result."""
    job = Job.objects.get(pk=job_id)
    assert list(job.events.values_list("seq", flat=True)) == list(range(1, job.last_seq + 1))
    rows = list(AgentMessage.objects.filter(session=job.pk).values_list("position", "content"))
    assert [position for position, _ in rows] == list(range(1, len(rows) + 1))
    blocks = [block for _, content in rows for block in content]
    asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert asked == [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    # Recorded when its run ends, a moment after the job is ready.
    wait_until(lambda: AgentSession.objects.get(pk=job.pk).sandbox_seconds > 0, "the sandbox's time")
