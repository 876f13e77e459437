"""`make demo` as a newcomer runs it: no bubblewrap, no browser and no package manager on the machine.

The machine's programs are covered up in a mount namespace, so that not even an absolute path leads to them.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from django.conf import settings

from tests.cofounder.management.test_up import free_port
from tests.journeys.conftest import wait_until
from tests.journeys.test_build import ask

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

HIDDEN = (
    *(
        "bwrap",
        "chromium",
        "chromium-browser",
        "chromium-headless-shell",
        "google-chrome",
        "google-chrome-stable",
    ),
    *("chromedriver", "apt", "apt-get", "dnf", "apk"),
)
# A writable layer over each directory, from which they are removed: a program that is there but cannot be run
# would be another kind of trouble than one that is missing.
REMOVE = """
layer=$(mktemp -d) && mount -t tmpfs tmpfs "$layer" || exit 1
for dir in $DIRECTORIES; do
    above=$layer$dir
    mkdir -p "$above/upper" "$above/work" || exit 1
    mount -t overlay overlay -o "lowerdir=$dir,upperdir=$above/upper,workdir=$above/work" "$dir" || exit 1
done
rm -f -- $HIDDEN || exit 1
unset DIRECTORIES HIDDEN layer dir above
exec "$@"
"""
LINK = re.compile(r"http://localhost:\d+/enter/\S+")


def covered(names: tuple[str, ...]) -> list[str]:
    """Every place on this machine where one of these programs is."""
    places = [
        Path(place)
        for place in dict.fromkeys((*os.get_exec_path(), "/usr/bin", "/usr/sbin", "/usr/local/bin"))
    ]
    found = [place / name for place in places for name in names]
    return sorted({str(path.parent.resolve() / path.name) for path in found if path.exists()})


def masked(names: tuple[str, ...], *command: str) -> tuple[list[str], dict[str, str]]:
    """A command that runs without these programs, and its whole environment."""
    paths = covered(names)
    assert not [path for path in paths if " " in path], "a path with a space cannot be covered"
    directories = sorted({str(Path(path).parent) for path in paths})
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    env |= {"HIDDEN": " ".join(paths), "DIRECTORIES": " ".join(directories)}
    return ["unshare", "--mount", "sh", "-c", REMOVE, "sh", *command], env


def need_masking() -> None:
    command, env = masked(HIDDEN, "true")
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"CANNOT RUN: programs cannot be covered up here ({error})")
    if done.returncode:
        pytest.skip(f"CANNOT RUN: programs cannot be covered up here ({done.stderr.strip()[:200]})")


class Demo:
    """A running `make demo`, and its founder's browser."""

    def __init__(self, home: Path, names: tuple[str, ...]) -> None:
        self.port = free_port()
        self.output = home / "output"
        # Packages are there already; what a download could bring must not decide whether the demo works.
        make = ["make", "--old-file=install", "demo", f"ARGS=--port {self.port}"]
        command, env = masked(names, *make)
        env |= {
            "HOME": str(home),
            "DATA_DIR": str(home / "data"),
            "REHEARSAL_PACE": "0",
            "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:1",
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=env, cwd=settings.BASE_DIR, stdout=output, stderr=output, start_new_session=True
            )
        self.browser = httpx.Client(follow_redirects=True, timeout=60)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def link(self) -> str:
        def printed() -> Any:
            assert self.process.poll() is None, self.said
            return LINK.search(self.said) if "Ctrl-C stops everything" in self.said else None

        return str(wait_until(printed, "the link")[0])

    def enter(self, link: str) -> str:
        """Open the link as its founder; returns the build's id."""
        page = self.browser.get(link)
        if token := re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text):
            page = self.browser.post(link, data={"csrfmiddlewaretoken": token[1]})
        return str(page.url).rstrip("/").rpartition("/")[2]

    def get(self, path: str) -> Any:
        answer = self.browser.get(f"http://localhost:{self.port}{path}")
        answer.raise_for_status()
        return answer.json()

    def answer(self, escalation: dict[str, Any]) -> None:
        self.browser.post(
            f"http://localhost:{self.port}/api/escalations/{escalation['id']}/resolve",
            json={"decision": escalation["options"][0]["value"]},
            headers={"X-CSRFToken": self.browser.cookies["csrftoken"]},
        ).raise_for_status()

    def run_to_the_end(self, job_id: str) -> dict[str, Any]:
        """Answer what is asked until the build is over."""

        def over() -> Any:
            for escalation in self.get("/api/escalations?status=pending"):
                self.answer(escalation)
            status = self.get(f"/api/jobs/{job_id}/status")
            return status if status["status"] in ("ready", "failed", "cancelled") else None

        ended: dict[str, Any] = wait_until(over, "the build to be over", limit=400)
        return ended

    def stop(self) -> None:
        self.browser.close()
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(60)


@pytest.fixture
def demo() -> Iterator[Callable[[tuple[str, ...]], Demo]]:
    need_masking()
    started: list[Demo] = []
    with TemporaryDirectory(dir=settings.DATA_DIR, ignore_cleanup_errors=True) as directory:

        def start(names: tuple[str, ...]) -> Demo:
            started.append(Demo(Path(directory), names))
            return started[-1]

        yield start
        for each in started:
            each.stop()


@pytest.mark.parametrize("more", [(), ("git",)], ids=["with git", "without git"])
def test_the_demo_shows_its_whole_story_on_a_bare_machine(
    demo: Callable[[tuple[str, ...]], Demo], more: tuple[str, ...]
) -> None:
    running = demo((*HIDDEN, *more))
    job_id = running.enter(running.link())

    ended = running.run_to_the_end(job_id)

    assert ended["status"] == "ready", (ended, running.said)
    assert "<html" in ask(ended["preview_url"]).lower()
    assert "Chromium is missing: there are no screenshots" in running.said
    assert ("Git is missing" in running.said) == bool(more)
    assert {"agent.sleeping", "agent.escalation_resolved"} <= kinds_of(running, job_id)
    assert not [line for line in running.said.splitlines() if "keeps ending" in line or "Traceback" in line]


def kinds_of(running: Demo, job_id: str) -> set[str]:
    found: list[dict[str, Any]] = []
    while batch := running.get(
        f"/api/jobs/{job_id}/events?limit=200&after={found[-1]['seq'] if found else 0}"
    ):
        found += batch
    return {event["type"] for event in found}


def test_what_is_covered_up_cannot_be_run() -> None:
    """Also where no program of these is installed, this says whether covering up works."""
    need_masking()
    command, env = masked(("true",), sys.executable, "-c", "import shutil; print(shutil.which('true'))")
    assert shutil.which("true")

    assert subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout == "None\n"
