import os
import signal
import subprocess
import sys
from pathlib import Path

from cofounder.install.process import Process
from tests.journeys.conftest import wait_until


def test_a_process_that_was_killed_can_be_started_again(tmp_path: Path) -> None:
    code = "import time; time.sleep(600)"
    child = Process("the helper", [sys.executable, "-c", code], dict(os.environ), tmp_path / "log")
    child.start()
    assert child.running is not None
    first = child.running
    assert child.is_alive()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not child.is_alive()

    child.start()

    assert child.is_alive()
    assert child.running is not None
    assert child.running.pid != first.pid
    child.stop()
    assert not child.is_alive()


def test_what_a_process_writes_is_for_its_own_user(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'made')!r}, 'w').close()"
    child = Process("the helper", [sys.executable, "-c", code], dict(os.environ), tmp_path / "log")
    child.start()
    assert child.running is not None
    child.running.wait()
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("made", "log")] == [0o600, 0o600]


def test_a_process_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from cofounder.install.process import Process\n"
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

    wait_until(lambda: not is_running(child), "the child's end with its parent", limit=20)


def is_running(pid: int) -> bool:
    """A zombie that has not been reaped counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
