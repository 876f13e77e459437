"""`python -m rehearsal`: both servers in one process that never outlives its parent."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.services

START = [sys.executable, "-m", "rehearsal", "--pace", "0"]
# A supervisor that is killed cannot tell its child to stop.
SUPERVISOR = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"


@contextmanager
def started(*command: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/rehearsal/faults").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_servers_answer_and_stop_when_told(tmp_path: Path, number: signal.Signals) -> None:
    with started(*START, "--data-dir", str(tmp_path)) as (process, urls):
        names = {"anthropic_url", "e2b_api_url", "e2b_sandbox_url", "e2b_api_key_file", "sandbox"}
        assert set(urls) == names
        assert httpx.get(f"{urls['e2b_api_url']}/rehearsal/health").json() == urls["sandbox"]
        key = Path(urls["e2b_api_key_file"]).read_text()
        listed = httpx.get(f"{urls['e2b_api_url']}/v2/sandboxes", headers={"X-API-KEY": key})
        assert listed.json() == []
        assert answers(urls["anthropic_url"])
        assert httpx.get(urls["e2b_api_url"]).status_code < 500
        process.send_signal(number)
        assert process.wait(20) == 0
    assert not answers(urls["anthropic_url"])


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*START, "--data-dir", str(tmp_path), "--anthropic-port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == f"Port {port} on 127.0.0.1 cannot be used (Address already in use); choose another.\n"
    )


def test_a_wrong_play_or_data_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for options, said in (
        (["--data-dir", str(tmp_path / "file")], "data directory"),
        (["--data-dir", str(tmp_path / "data"), "--plays", str(tmp_path)], "holds no play"),
    ):
        done = subprocess.run([*START, *options], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert said in done.stderr


def test_the_servers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with started(sys.executable, "-c", SUPERVISOR, *START, "--data-dir", str(tmp_path)) as (supervisor, urls):
        os.kill(supervisor.pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while answers(urls["anthropic_url"]):
            assert time.monotonic() < until, "the rehearsal servers are still there"


def test_a_limit_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    for name, value in (("LOCAL_SANDBOX_MEMORY_MB", "lots"), ("LOCAL_SANDBOX_NETWORK", "on")):
        done = subprocess.run(
            [*START, "--data-dir", str(tmp_path)],
            env={**os.environ, name: value},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert name in done.stderr


def test_what_confines_commands_is_told_without_a_server() -> None:
    done = subprocess.run([*START, "--try-sandbox"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["sentence"]
