"""A child process of an install, with a log of its own."""

import ctypes
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cofounder.config import environment
from cofounder.install.private_files import UMASK
from cofounder.install.waiting import movement_of

STOP_SECONDS = 40  # a worker may take 30 to hand its sessions back
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let the kernel end this process with its parent, so that a killed supervisor leaves none behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Process:
    """One command; `start` may be called again after it has ended."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    umask: int = UMASK
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509  # one prctl call, no lock taken
                start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops all in order
                umask=self.umask,
                cwd=environment.BASE_DIR,
            )

    def is_alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def movement(self) -> object:
        return movement_of(self.running.pid, self.log) if self.running is not None else None

    def stop(self) -> None:
        if self.running is None or self.running.poll() is not None:
            return
        self.running.terminate()
        try:
            self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()
