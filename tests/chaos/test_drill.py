"""`manage.py drill`: passes here, and never touches the live install."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest
from django.conf import settings

pytestmark = [pytest.mark.services, pytest.mark.chaos, pytest.mark.timeout(300)]


def left_behind() -> set[Path]:
    return set(Path(gettempdir()).glob("cofounder-drill-*"))


def test_the_drill_passes_and_leaves_nothing_and_ignores_the_live_install() -> None:
    """The live install's database, Redis and bucket are addresses where nothing answers."""
    live = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/live",
        "REDIS_URL": "redis://127.0.0.1:1",
        "PROJECT_SNAPSHOT_BUCKET": "live",
        "DJANGO_SETTINGS_MODULE": "cofounder.settings",
    }
    before = left_behind()

    done = subprocess.run(
        [sys.executable, "manage.py", "drill", "--json"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **live},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)
    assert [result["part"] for result in results] == [
        "kill the worker",
        "empty the sandbox",
        "pass midnight",
        "finish",
    ]
    assert all(result["ok"] for result in results)
    assert left_behind() <= before
