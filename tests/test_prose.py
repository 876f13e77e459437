"""Names of our modules in comments, docstrings and documents: each has to be the name of something."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("agents", "bench", "cofounder", "docs", "escalations", "intrude", "jobs", "rehearsal", "tests")
DOTTED = re.compile(r"`((?:agents|cofounder|jobs|escalations)(?:\.\w+)+)(?:\(\))?`")
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")
NO_MODULES = {"cofounder.json"}  # what an app that the agent builds declares


def texts() -> list[Path]:
    """Neither migrations, which are history, nor the programs that the rehearsal's agents write."""
    found = [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("*.toml"),
        *(
            file
            for folder in FOLDERS
            for kind in ("py", "md")
            for file in (REPOSITORY / folder).rglob(f"*.{kind}")
        ),
    ]
    return [
        file for file in found if not {"migrations", "plays"} & set(file.parts) and file != Path(__file__)
    ]


def is_a_name(dotted: str) -> bool:
    """Whether it is a module, or what a module holds."""
    module, names = dotted, list[str]()
    while not is_a_module(module):
        module, _, name = module.rpartition(".")
        names.insert(0, name)
    held: object = importlib.import_module(module) if names else None
    for name in names:
        if not hasattr(held, name):
            return False
        held = getattr(held, name)
    return True


def is_a_module(dotted: str) -> bool:
    try:
        return find_spec(dotted) is not None
    except ModuleNotFoundError:  # what should hold it is no package
        return False


def test_whatever_is_named_with_dots_exists() -> None:
    wrong = {
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in texts()
        for name in DOTTED.findall(file.read_text())
        if name not in NO_MODULES and not is_a_name(name)
    }
    assert wrong == set()


def test_whatever_is_named_with_slashes_exists() -> None:
    wrong = {
        f"{file.relative_to(REPOSITORY)}: {path}"
        for file in texts()
        for path in PATH.findall(file.read_text())
        if not (REPOSITORY / path).exists()
    }
    assert wrong == set()


def test_every_exception_is_still_needed() -> None:
    named = {name for file in texts() for name in DOTTED.findall(file.read_text())}

    assert NO_MODULES - named == set()


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("jobs.clock", True),
        ("jobs.clock.now", True),
        ("jobs.models.JobStatus.GONE", False),
        ("jobs.models.JobStatus.READY", True),
        ("agents.locks", False),
        ("agents.database.unit", False),
        ("agents.keeper.SandboxKeeper", False),
    ],
)
def test_a_name_is_looked_up(name: str, exists: bool) -> None:
    assert is_a_name(name) == exists
