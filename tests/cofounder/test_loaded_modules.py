"""Web, admin and operator commands start without the SDKs that only a worker uses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from cofounder.config import spared

OF_WORKERS = ["anthropic", "e2b", "boto3", "botocore", "playwright", "PIL", "httpx"]
COMMANDS = sorted(
    ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
    for app in ("agents", "cofounder")
    for path in (Path(settings.BASE_DIR) / app / "management" / "commands").glob("[!_]*.py")
)
REPORT = "import json, sys; print(json.dumps([name for name in {names} if name in sys.modules]))"
SET_UP = "import django; django.setup(); "


def loaded_after(code: str, *names: str, **env: str) -> list[str]:
    """Which of the named modules a new process has loaded when it has run this code."""
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "cofounder.settings", **env}
    done = subprocess.run(
        [sys.executable, "-c", code + "\n" + REPORT.format(names=list(names) or OF_WORKERS)],
        cwd=settings.BASE_DIR,
        env=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("command", ["help", "check"])
def test_a_command_of_django_loads_none_of_them(command: str) -> None:
    code = f"import sys; sys.argv = ['manage.py', {command!r}]; import manage; manage.main()"

    assert loaded_after(code) == []


@pytest.mark.parametrize("bucket", ["", "a-bucket"])
def test_the_site_with_all_its_pages_loads_none_of_them(bucket: str) -> None:
    code = "import cofounder.asgi; from django.urls import get_resolver; get_resolver().reverse_dict"

    assert loaded_after(code, PROJECT_SNAPSHOT_BUCKET=bucket) == []


def test_the_site_goes_without_what_its_libraries_only_load_when_it_is_there() -> None:
    code = "import cofounder.asgi; from django.urls import get_resolver; get_resolver().reverse_dict"

    assert loaded_after(code, *spared.OPTIONAL, "drf_spectacular.generators") == []
    assert loaded_after(
        code + "; import rich, jinja2, requests, pygments, opentelemetry", *spared.OPTIONAL
    ) == list(spared.OPTIONAL)


def test_the_commands_together_load_none_of_them() -> None:
    assert len(COMMANDS) > 10

    assert loaded_after(SET_UP + "; ".join(f"import {name}" for name in COMMANDS)) == []


def test_an_operator_s_command_loads_no_redis_client_either() -> None:
    assert loaded_after(SET_UP + "import agents.management.commands.agent_status", "redis", "jinja2") == []


def test_the_tasks_of_a_worker_load_the_sdks() -> None:
    assert loaded_after(SET_UP + "import agents.tasks") == ["anthropic", "e2b", "httpx"]
