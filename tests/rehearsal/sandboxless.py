"""Runs a play in an ordinary folder: the engine decides, the tools act, only the model is left out."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.engine import Result, Turn, UserTurn, advance, opening, perform
from rehearsal.founder import FounderInput
from rehearsal.play import Play
from rehearsal.state import Note

TURN_LIMIT = 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Workshop:
    """A folder, the tools that work in it, and the calls that were made."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.can_picture = True
        self.programs: Path | None = None
        self.url_path = "/"
        self.port = free_port()
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.results: list[Result] = []
        self.news: tuple[Note, ...] = ()
        self.running: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        python = Path(sys.executable).resolve().parent
        return {
            "PATH": f"{python}:{self.programs or os.environ['PATH']}",
            "HOME": str(self.folder),
            "PORT": str(self.port),
            "PREVIEW_URL": self.url,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def act(self, tool: str, given: Mapping[str, Any]) -> Result:
        self.calls.append((tool, given))
        text, error = getattr(self, tool, self.accepted)(given)
        self.results.append(Result(tool, text, error))
        return self.results[-1]

    def perform(self, turn: Turn) -> tuple[Result, ...]:
        """The results of a turn's calls; `news` then holds what else the platform reports with them."""
        self.news = ()
        return tuple(self.act(tool, given) for tool, given in turn.calls)

    def accepted(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        return "Done.", False

    def write_file(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        path = self.folder / given["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(given["content"])
        return "Written.", False

    def edit_file(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        path = self.folder / given["path"]
        before = path.read_text()
        if before.count(given["old_string"]) != 1:
            return f"The text occurs {before.count(given['old_string'])} times.", True
        path.write_text(before.replace(given["old_string"], given["new_string"]))
        return "Edited.", False

    def read_file(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        return (self.folder / given["path"]).read_text(), False

    def take_screenshot(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        return ("A picture.", False) if self.can_picture else ("There is no Chromium here.", True)

    def bash(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        command = ["bash", "-c", given["command"]]
        if given.get("background"):
            self.start(command)
            return "Started.\n[exit 0]", False
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )
        return f"{done.stdout}{done.stderr}\n[exit {done.returncode}]", done.returncode != 0

    def start(self, command: Sequence[str]) -> None:
        self.running.append(
            subprocess.Popen(command, cwd=self.folder, env=self.environment, start_new_session=True)
        )

    def wait_for_page(self) -> str:
        limit = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(self.url + self.url_path, timeout=5) as page:
                    return str(page.read().decode())
            except OSError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.05)

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        self.running.clear()

    def kill_background(self) -> None:
        """What a new owner of the sandbox does with everything the old one left running."""
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()


def play_through(
    play: Play,
    founder: FounderInput,
    workshop: Workshop,
    notes_after: Callable[[int, str], Sequence[Note]] = lambda turn, step: (),
    first: Sequence[Note] = (),
) -> list[str]:
    """Play to the end; `notes_after(turn, step)` comes with the results, `first` before everything else.

    Returns the steps played.
    """
    state, steps = opening(play, is_change=bool(founder.change)), list[str]()
    came = UserTurn(notes=(Note("start", "Begin."), *first))
    for turn_number in range(1, TURN_LIMIT):
        turn = perform(play, advance(play, state, came), came, founder)
        steps.append(turn.key)
        results = workshop.perform(turn)
        notes = (*workshop.news, *notes_after(turn_number, turn.key))
        if not turn.calls and not notes:
            return steps
        state, came = turn.state, UserTurn(results, notes)
    raise AssertionError(f"{play.name} does not end: {steps[-5:]}")
