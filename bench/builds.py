"""Whole builds on the benchmark's install: the rehearsal servers and one worker, each its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.install import Install
from cofounder.config import environment


@contextmanager
def working(install: Install, play: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A fresh database and a worker that builds by this play; yields the rehearsal servers' addresses."""
    install.fresh_of_ours()
    plays = install.data_dir / "plays"
    (plays / play["name"]).mkdir(parents=True, exist_ok=True)
    (plays / play["name"] / "play.yaml").write_text(json.dumps(play))  # JSON is YAML
    data_dir = str(install.data_dir / "rehearsal")
    rehearsal = subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "--pace", "0", "--data-dir", data_dir, "--plays", str(plays)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert rehearsal.stdout is not None
    urls: dict[str, str] = json.loads(rehearsal.stdout.readline())
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "run_worker"],
        env=os.environ
        | {
            "DATA_DIR": str(install.data_dir),
            "ANTHROPIC_API_KEY": "rehearsal",
            "ANTHROPIC_BASE_URL": urls["anthropic_url"],
            "E2B_API_KEY": Path(urls["e2b_api_key_file"]).read_text(),
            "E2B_API_URL": urls["e2b_api_url"],
            "E2B_SANDBOX_URL": urls["e2b_sandbox_url"],
        },
        cwd=environment.BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield urls
    finally:
        for process in (worker, rehearsal):
            process.terminate()
            process.wait(60)
        rehearsal.stdout.close()
