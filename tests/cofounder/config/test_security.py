"""The security headers of every answer, and the warnings for a production install."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from cofounder.config import security
from cofounder.http.websocket_origin import own_pages_only
from cofounder.models import User
from jobs.models import Job

PRODUCTION = {
    "BASE_URL": "https://cofounder.example.com",
    "SECRET_KEY": "k" * 20 + "".join(map(chr, range(65, 122))),
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "DATABASE_URL": "postgresql://u:p@db.example.com/cofounder",
    "REDIS_URL": "rediss://redis.example.com/0",
    "DJANGO_SETTINGS_MODULE": "cofounder.settings",
    "DEBUG": "",
}


def manage(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, **PRODUCTION, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deploy_check_finds_nothing_to_say_of_production_settings(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level", "DEBUG", DATA_DIR=str(tmp_path))
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_https_is_insisted_on_behind_the_proxy_that_speaks_it(
    client: Client, db: None, settings: Settings
) -> None:
    for name, value in security.transport("https://cofounder.example.com", trusted_proxies=1).items():
        setattr(settings, name, value)
    settings.ALLOWED_HOSTS = ["cofounder.example.com"]
    plain = {"host": "cofounder.example.com"}
    answer = client.get("/", headers=plain)
    assert (answer.status_code, answer["Location"]) == (301, "https://cofounder.example.com/")
    assert [client.get(f"/{name}", headers=plain).status_code for name in ("healthz", "metrics")] == [
        200,
        404,
    ]
    secure = client.get("/accounts/login/", headers={**plain, "x-forwarded-proto": "https"})
    assert secure["Strict-Transport-Security"] == "max-age=31536000"
    cookie = secure.cookies["csrftoken"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"


def test_nothing_is_insisted_on_where_the_site_speaks_plain_http() -> None:
    assert security.transport("http://localhost:8000", trusted_proxies=0) == {}


def test_every_page_says_what_a_browser_may_load(client: Client, db: None) -> None:
    for address in ("/", "/accounts/login/", "/api/docs", "/api/schema", "/nothing"):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy), address
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
        assert answer["Referrer-Policy"] == "same-origin"


def test_agent_made_pages_are_shown_in_frames_and_nowhere_else() -> None:
    previews = security.preview_hosts("e2b.app", "http://127.0.0.1:8002")
    directives = security.content_policy(previews)["DIRECTIVES"]
    assert directives["frame-src"] == ["'self'", "https://*.e2b.app", "http://*.localhost:8002"]
    assert [name for name, sources in directives.items() if previews[0] in sources] == ["frame-src"]


def pages() -> list[Path]:
    return sorted((settings.BASE_DIR / "cofounder" / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", pages(), ids=lambda path: path.name)
def test_no_template_holds_script_or_style_of_its_own(template: Path) -> None:
    text = template.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on", text) == []


def test_a_form_from_elsewhere_changes_nothing(founder: User, job: Job) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(founder)
    assert strict.post(f"/builds/{job.pk}/stop").status_code == 403
    answer = strict.post(f"/api/jobs/{job.pk}/cancel", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    job.refresh_from_db()
    assert job.status == "queued"


async def _accepts(origin: str | None, host: str = "localhost:8000") -> bool:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    return bool((await WebsocketCommunicator(own_pages_only(app), "/ws/", headers=headers).connect())[0])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),  # through a tunnel
        ("http://localhost:8000", "behind-a-proxy"),
    ],
)
async def test_our_own_pages_may_open_sockets(origin: str, host: str) -> None:
    assert await _accepts(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8002", "localhost:8000"),  # a preview's server on the same machine
        ("http://8000-iabc.localhost:8000", "localhost:8000"),
        ("https://evil.example", "localhost:8000"),
        ("https://evil.example", "evil.example"),  # a host name that somebody pointed at this server
        ("null", "localhost:8000"),
        ("http://[", "localhost:8000"),
        ("", ""),
        (None, "localhost:8000"),
    ],
)
async def test_no_other_page_may(origin: str | None, host: str) -> None:
    assert not await _accepts(origin, host)


def test_the_sites_own_application_asks_for_the_origin() -> None:
    from cofounder.asgi import application

    assert application.application_mapping["websocket"].__qualname__.startswith(own_pages_only.__name__)


def test_an_error_page_of_a_stranger_tells_nothing(settings: Settings) -> None:
    from django.views.defaults import server_error

    settings.DEBUG = False
    assert "Traceback" not in server_error(HttpRequest()).content.decode()
