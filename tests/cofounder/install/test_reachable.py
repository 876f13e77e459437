import pytest
from django.db import connection
from pytest_django import Settings

from cofounder.install import reachable
from cofounder.install.reachable import Unreachable

NOWHERE = {"HOST": "127.0.0.1", "PORT": "1", "NAME": "x", "USER": "u", "PASSWORD": "hush"}


def test_a_database_that_does_not_answer_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/x")
    for name, value in NOWHERE.items():
        monkeypatch.setitem(connection.settings_dict, name, value)

    with pytest.raises(Unreachable, match="PostgreSQL that DATABASE_URL names") as refusal:
        reachable.need_named_services()

    assert "hush" not in str(refusal.value)


def test_a_redis_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)

    with pytest.raises(Unreachable, match="Redis that REDIS_URL names"):
        reachable.need_named_services()


def test_embedded_services_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)

    reachable.need_named_services()
