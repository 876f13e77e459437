import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from agents.preview import chromium
from cofounder.install import extras
from tests.cofounder.install.test_process import is_running
from tests.journeys.conftest import wait_until


def program(path: Path, script: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_browser_that_opens_a_page_has_no_trouble() -> None:
    found = chromium.find(settings.CHROMIUM)
    if not found:
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")

    assert extras.trouble_of(found) == ""


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("kill -SEGV $$", "it crashed with signal 11"),
        ("echo 'error while loading libnss3.so' >&2; exit 127", "error while loading libnss3.so"),
        ("exit 3", "it ended with 3"),
        ("exit 0", "it ended with 0"),
    ],
)
def test_a_browser_that_crashes_is_said_with_what_that_costs(
    tmp_path: Path, script: str, trouble: str
) -> None:
    browser = program(tmp_path / "chromium", script)

    said = extras.missing(browser)

    assert said[-1].startswith(f"{browser} does not work ({trouble}): there are no screenshots")


def test_a_browser_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    browser = program(tmp_path / "chromium", f"sleep 600 & echo $! > {tmp_path}/child; wait")

    assert extras.trouble_of(browser, seconds=1) == "it did not open an empty page within 1 s"

    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_running(child), "the child's end")  # it runs until the kernel comes to it


def test_a_bare_machine_is_told_what_is_missing_and_not_stopped(tmp_path: Path) -> None:
    """No package manager, no browser and no git; and a Playwright that cannot download anything."""
    given = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:1"}

    done = run(given | {"CHROMIUM": "/nowhere/chromium"})

    assert "Git is missing" in done.stdout
    assert "/nowhere/chromium, which CHROMIUM names, is not there" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="CANNOT RUN: only root may install packages")
def test_root_installs_with_apt_what_is_missing(tmp_path: Path) -> None:
    makes_git = f"cp {tmp_path}/apt-get {tmp_path}/git"
    program(tmp_path / "apt-get", f'PATH=/bin\necho "$@" >> {tmp_path}/asked\n{makes_git}')

    done = run({"PATH": str(tmp_path), "CHROMIUM": "/nowhere/chromium"})

    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["update -qq", "install -y -qq --no-install-recommends git"]
    assert "Git is missing" not in done.stdout


def run(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cofounder.install.extras"],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
