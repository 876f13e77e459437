"""Who may import whom, as pyproject.toml says it."""

import ast
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
APPS = ("cofounder", "agents", "escalations", "jobs")
PACKAGES = (*APPS, "rehearsal", "intrude")
# import-linter sees of the standard library only the first part of a name. These make connections, too.
CONNECTING_MODULES = (
    *(
        "urllib.request",
        "http.client",
        "xmlrpc.client",
        "ftplib",
        "imaplib",
        "poplib",
        "smtplib",
        "telnetlib",
    ),
    *("multiprocessing.connection", "asyncio.streams"),
)
CONNECTING_CALLS = (
    "open_connection",
    "create_connection",
    "create_datagram_endpoint",
    "sock_connect",
    "urlopen",
)


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
        ("intrude/people.py", "import cofounder.models"),
        ("agents/preview/probe.py", "import httpx"),
        ("agents/llm/client.py", "def later():\n    from socket import socket\n    return socket"),
        ("cofounder/pages/home.py", "import requests"),
        ("agents/tools/bash.py", "from playwright.async_api import async_playwright"),
    ],
)
def test_an_import_the_wrong_way_is_noticed(copy: Path, module: str, line: str) -> None:
    with (copy / module).open("a") as file:
        file.write(f"\n\n{line}\n")

    done = lint(copy)

    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def connections_of(source: str) -> set[str]:
    """What of the standard library a module would make connections with."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & set(CONNECTING_MODULES)
        elif isinstance(node, ast.ImportFrom):
            named = {f"{node.module}", *(f"{node.module}.{name.name}" for name in node.names)}
            found |= named & set(CONNECTING_MODULES)
            found |= {name.name for name in node.names} & set(CONNECTING_CALLS)
        elif isinstance(node, ast.Attribute):
            found |= {node.attr} & set(CONNECTING_CALLS)
    return found


def test_connections_are_made_in_one_room_alone() -> None:
    outside = REPOSITORY / "agents" / "outside"
    ours = [path for name in APPS for path in (REPOSITORY / name).rglob("*.py")]
    others = [path for path in ours if outside not in path.parents]
    assert {str(path): found for path in others if (found := connections_of(path.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import urllib.request",
        "from urllib import request",
        "from http.client import HTTPConnection",
        "import asyncio\nasync def f(): await asyncio.open_connection('a', 1)",
        "from asyncio import open_connection",
        "def f(loop): return loop.create_connection(object, 'a', 1)",
    ],
)
def test_a_connection_made_elsewhere_is_noticed(source: str) -> None:
    assert connections_of(source)


def test_the_connecting_modules_exist() -> None:
    assert [name for name in CONNECTING_MODULES if importlib.util.find_spec(name) is None] == []
