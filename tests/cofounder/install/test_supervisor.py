import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cofounder.install import supervisor
from cofounder.install.supervisor import Process, StartFailed, refuse_taken_port


def process(tmp_path: Path, code: str) -> Process:
    return Process("helper", [sys.executable, "-c", code], dict(os.environ), tmp_path / "helper.log")


def test_a_taken_port_is_refused_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(StartFailed, match=f"Port {port} cannot be used"):
            refuse_taken_port("127.0.0.1", port)


def test_an_invalid_host_is_refused() -> None:
    with pytest.raises(StartFailed, match="--host"):
        refuse_taken_port("300.1.2.3", 8000)


def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    child = process(tmp_path, "import time; time.sleep(600)")
    child.start()
    assert child.running is not None
    first = child.running
    assert not child.keep_running()
    first.send_signal(signal.SIGKILL)
    first.wait()

    assert child.keep_running()

    assert child.running is not None
    assert child.running.pid != first.pid
    child.stop()


def test_what_a_process_writes_is_for_its_own_user(tmp_path: Path) -> None:
    child = process(tmp_path, f"open({str(tmp_path / 'made')!r}, 'w').close()")
    child.start()
    assert child.running is not None
    child.running.wait()
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_a_process_that_keeps_ending_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    child = process(tmp_path, "raise SystemExit('no such thing')")
    child.start()

    child.quick_ends = supervisor.QUICK_ENDS - 1
    assert child.running is not None
    child.running.wait()

    with pytest.raises(StartFailed, match="keeps ending") as refusal:
        child.keep_running()

    assert "no such thing" in str(refusal.value)


def test_a_process_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from cofounder.install.supervisor import Process\n"
        "child = Process('x', [sys.executable, '-c', 'import time; time.sleep(600)'], dict(os.environ),"
        " Path(sys.argv[1])); child.start(); print(child.running.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())

    parent.kill()
    parent.communicate()

    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and is_running(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """A zombie that has not been reaped counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
