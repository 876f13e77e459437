"""Run the app while it is being built, and start it again whenever a file changes.

`python3 watch.py` makes the file .watching and stops when that file is gone.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

RUNNING = Path(".watching")
PORT = int(os.environ.get("PORT", "8000"))


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


if __name__ == "__main__":
    if answers():
        sys.exit("The app is already running.")
    RUNNING.touch()
    while RUNNING.exists():
        run()
