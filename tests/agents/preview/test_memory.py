import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from agents.preview import memory

TREE = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
CHILD = "kept = bytearray(60_000_000); input()"


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    program = [sys.executable, "-c", TREE.format(child=CHILD), "--mark=memory-test"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as parent:
        yield parent
        parent.communicate(b"\n")


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():  # the test's own time limit ends it
        time.sleep(0.01)


def test_what_a_process_has_started_counts_too(tree: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: memory.used("--mark=memory-test") > 60_000_000)
    found = memory.processes("--mark=memory-test")
    assert (found[0], len(found)) == (tree.pid, 2)


def test_what_does_not_run_takes_nothing() -> None:
    assert memory.used("--mark=nobody-has-this") == 0
