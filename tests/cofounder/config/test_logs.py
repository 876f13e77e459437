"""What the logs contain, and what they must not contain."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from structlog.stdlib import ProcessorFormatter

from cofounder.config import logs

COMMANDS = ["Procfile", "docs/how-to.md", "deploy/Containerfile", "deploy/systemd/cofounder-web@.service"]


def line(message: str, *args: Any) -> dict[str, Any]:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, None)
    described = logs.configure()["formatters"]["json"]
    formatter = ProcessorFormatter(**{name: value for name, value in described.items() if name != "()"})
    found: dict[str, Any] = json.loads(formatter.format(record))
    return found


@pytest.mark.parametrize("kind", ["answer", "enter", "accounts/confirm-email"])
def test_a_link_that_opens_something_is_not_kept(kind: str) -> None:
    token = signing.dumps({"user": "somebody", "token": "x" * 20}, salt="any")
    assert line("%s: %s", "Bad Request", f"/{kind}/{token}")["event"] == f"Bad Request: /{kind}/[hidden]"


def test_a_link_that_sets_a_password_is_not_kept() -> None:
    path = "/accounts/password/reset/key/5lnkq3-d1vzzk-5b4c8a5c4f1e0f0a1d3b9c7e6f5a4b3c/"
    assert line("Not Found: %s", path)["event"] == "Not Found: /accounts/password/reset/key/[hidden]/"


def test_other_addresses_are_kept() -> None:
    path = "/questions/5f6a6f0e-7d1e-4d2c-9a3e-1f2d3c4b5a69/answer"
    assert line("Not Found: %s", path)["event"] == f"Not Found: {path}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_web_server_keeps_no_log_of_requests(name: str) -> None:
    starts = [part for part in Path(settings.BASE_DIR, name).read_text().split("\n") if "daphne -" in part]
    assert starts
    assert all("daphne -v 0 " in start for start in starts)
