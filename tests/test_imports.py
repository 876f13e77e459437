"""Who may import whom, as pyproject.toml says it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("cofounder", "agents", "escalations", "jobs", "rehearsal")


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("plays", "static"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_go_down_only() -> None:
    done = lint(REPOSITORY)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("jobs/clock.py", "from agents import budget"),
        ("jobs/clock.py", "def later():\n    from escalations import models\n    return models"),
        (
            "escalations/models.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import agents.models",
        ),
        ("agents/budget/ledger.py", "import cofounder.models"),
        ("agents/budget/ledger.py", "def later():\n    import rehearsal.play"),
        ("rehearsal/play.py", "import jobs.models"),
        ("rehearsal/play.py", "import django"),
    ],
)
def test_an_import_the_wrong_way_is_noticed(copy: Path, module: str, line: str) -> None:
    with (copy / module).open("a") as file:
        file.write(f"\n\n{line}\n")

    done = lint(copy)

    assert done.returncode == 1
    assert "BROKEN" in done.stdout
