"""Run the app while it is being built, and start it again whenever a file changes.

`python3 watch.py` makes the file .watching and stops when that file is gone; a second one ends at once.
`python3 watch.py wait` waits until the app answers.
"""

import fcntl
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

RUNNING = Path(".watching")
PORT = int(os.environ.get("PORT", "8000"))
PATIENCE = 15.0


def changed_at():
    return max(path.stat().st_mtime_ns for path in Path().glob("*.py"))


def answers():
    with socket.socket() as door:
        door.settimeout(1)
        return door.connect_ex(("127.0.0.1", PORT)) == 0


def run():
    """One life of the app: until a file changes or nobody watches any more."""
    seen = changed_at()
    app = subprocess.Popen([sys.executable, "app.py"])
    try:
        while RUNNING.exists() and changed_at() == seen:
            time.sleep(0.2)
    finally:
        app.terminate()
        app.wait()


def watch():
    """The lock goes with this process, however it ends; the file alone would outlive it."""
    with RUNNING.open("w") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("The app is already being watched.")
        while RUNNING.exists():
            run()


def wait():
    limit = time.monotonic() + PATIENCE
    while not answers():
        if time.monotonic() > limit:
            sys.exit("The app does not answer.")
        time.sleep(0.1)


if __name__ == "__main__":
    wait() if sys.argv[1:] == ["wait"] else watch()
