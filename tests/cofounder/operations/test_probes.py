"""The addresses that monitoring asks a web process for."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from agents.models import AgentSession, DailyBudget
from cofounder.operations import probes
from escalations.models import AgentEscalation
from jobs import clock
from jobs.sockets import metrics
from tests.jobs.redis_server import RedisServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger() -> Client:
    return Client()


def test_the_liveness_probe_queries_nothing(
    stranger: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_means_a_migrated_database_and_redis(stranger: Client) -> None:
    answer = stranger.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "redis": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_without_redis_it_is_ready_and_says_degraded(stranger: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere.sock"
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["redis"]) == (
        200,
        "degraded",
        "degraded",
    )


def test_redis_that_takes_no_writes_is_degraded(stranger: Client, settings: Settings, tmp_path: Path) -> None:
    """As one whose disk is full, or a replica after a failover."""
    server = RedisServer(tmp_path)
    server.start()
    try:
        settings.REDIS_URL = server.url
        assert stranger.get("/readyz").json()["redis"] == "ok"
        with redis.Redis.from_url(server.url) as client:
            client.config_set("min-replicas-to-write", 1)
        answer = stranger.get("/readyz")
    finally:
        server.kill()
    assert (answer.status_code, answer.json()["redis"]) == (200, "degraded")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_lacks_migrations_is_not_ready(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_migrated", False)
    newest = MigrationRecorder.Migration.objects.filter(app="agents").order_by("name").last()
    assert newest is not None
    MigrationRecorder.Migration.objects.filter(pk=newest.pk).delete()
    try:
        answer = stranger.get("/readyz")
    finally:
        newest.save(force_insert=True)
    assert (answer.status_code, answer.json()["database"]) == (503, "not migrated")


def test_a_database_that_is_silent_is_not_ready_and_asked_once(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_migrated", False)
    with connection.cursor() as cursor:  # held by this test's transaction: the probe's own query waits
        cursor.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        answers = [stranger.get("/readyz") for _ in range(2)]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        cursor.execute(waiting, [connection.settings_dict["NAME"]])
        assert cursor.fetchone() == (1,)
    assert [(answer.status_code, answer.json()["database"]) for answer in answers] == [
        (503, "unreachable"),
        (503, "unreachable"),
    ]


def test_a_database_that_is_away_is_not_ready(stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(wrapper: DatabaseWrapper) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(DatabaseWrapper, "connect", refuse)
        answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


def test_metrics_need_the_token(stranger: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert stranger.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "a-long-token"
    assert stranger.get("/metrics").status_code == 404
    assert stranger.get("/metrics", headers={"Authorization": "Bearer é"}).status_code == 404
    assert stranger.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


def measured(client: Client) -> dict[str, Any]:
    text = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
    return dict(re.findall(r"^(cofounder_\S+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE))


def test_metrics_tell_of_sessions_money_questions_queue_and_workers(
    stranger: Client, settings: Settings, question: AgentEscalation
) -> None:
    from tests.cofounder.admin.test_ledger import spent

    settings.METRICS_TOKEN = "t"
    session = AgentSession.objects.select_related("user").get(pk=question.job_id)
    spent(session, clock.today(), 1_500_000)
    DailyBudget.objects.create(
        user=session.user,
        day=clock.today(),
        allowance_microdollars=2_000_000,
        spent_microdollars=1_500_000,
        reserved_microdollars=250_000,
    )
    yesterday = clock.today() - timedelta(days=1)
    DailyBudget.objects.create(
        user=session.user, day=yesterday, allowance_microdollars=2_000_000, spent_microdollars=500_000
    )
    found = measured(stranger)
    assert found['cofounder_sessions{state="working"}'] == "1.0"
    assert found['cofounder_sessions{state="sleeping"}'] == "0.0"
    assert found["cofounder_spend_dollars_total"] == "2.0"
    assert found['cofounder_spend_today_dollars{model="claude-sonnet-5-5"}'] == "1.5"
    assert found["cofounder_reserved_dollars"] == "0.25"
    assert found["cofounder_escalations_open"] == "1.0"
    assert found["cofounder_queue_waiting"] == "1.0"
    assert float(found["cofounder_queue_oldest_seconds"]) >= 0
    assert found["cofounder_workers"] == "0.0"
    assert float(found["cofounder_events_delivered_total"]) == metrics.EVENTS_DELIVERED._value.get()


def test_an_answer_carries_the_proxys_request_id_or_one_of_ours(stranger: Client) -> None:
    given = stranger.get("/healthz", headers={"X-Request-ID": "edge-12345678"})
    assert given["X-Request-ID"] == "edge-12345678"
    made = stranger.get("/healthz", headers={"X-Request-ID": 'x" onload='})
    assert re.fullmatch(r"[0-9a-f]{16}", made["X-Request-ID"])
