"""What other systems read: the three live keys, with a client that knows nothing of this project."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import settings as project_settings
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from agents.actions import money
from agents.models import AgentSession, DailyBudget, SessionState
from agents.session import live_keys
from cofounder.models import User
from jobs import clock
from jobs.models import Job


@pytest.fixture
def bare(services: None) -> Iterator[Any]:
    with redis.Redis.from_url(project_settings.REDIS_URL) as client:
        yield client


def key(build: Job, name: str) -> str:
    return f"cofounder:agent:{build.pk}:{name}"


def test_the_state_is_plain_text_that_lives_for_25_hours(bare: Any, build: Job) -> None:
    live_keys.set_state(build.pk, SessionState.WORKING.value)
    assert bare.type(key(build, "state")) == b"string"
    assert bare.get(key(build, "state")) == b"working"
    assert 89_990 <= bare.ttl(key(build, "state")) <= 90_000


def test_the_budget_is_an_integer_that_lives_for_90_seconds(bare: Any, build: Job) -> None:
    live_keys.set_budget({build.pk: 47})
    assert bare.type(key(build, "budget_pct")) == b"string"
    assert bare.get(key(build, "budget_pct")) == b"47"
    assert 80 <= bare.ttl(key(build, "budget_pct")) <= 90


def test_the_wake_time_is_iso_8601_in_utc_and_lives_until_then(bare: Any, build: Job) -> None:
    wake_at = clock.now() + timedelta(hours=5)
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, wake_at)
    assert bare.type(key(build, "wake_at")) == b"string"
    found = datetime.fromisoformat(bare.get(key(build, "wake_at")).decode())
    assert (found, found.utcoffset()) == (wake_at, timedelta(0))
    assert 17_990 <= bare.ttl(key(build, "wake_at")) <= 18_000


def test_a_wake_time_that_has_come_lives_for_a_second_still(bare: Any, build: Job) -> None:
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, clock.now() - timedelta(hours=1))
    assert 1 <= bare.pttl(key(build, "wake_at")) <= 1000


def test_an_agent_that_goes_on_has_no_wake_time(bare: Any, build: Job) -> None:
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, clock.now() + timedelta(hours=5))
    live_keys.set_state(build.pk, SessionState.WORKING.value)
    assert not bare.exists(key(build, "wake_at"))


def test_a_session_has_no_other_keys(bare: Any, build: Job) -> None:
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, clock.now() + timedelta(hours=5))
    live_keys.set_budget({build.pk: 100})
    found = {name.decode() for name in bare.scan_iter(f"cofounder:agent:{build.pk}:*")}
    assert found == {key(build, name) for name in ("state", "budget_pct", "wake_at")}


def test_a_top_up_shows_in_the_keys_at_once(
    bare: Any,
    build: Job,
    founder: User,
    admin: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    asleep(build, founder)
    with django_capture_on_commit_callbacks(execute=True):
        money.top_up(founder, 60_000_000, by=admin)
    assert bare.get(key(build, "budget_pct")) == b"50"
    assert bare.get(key(build, "state")) == b"sleeping"


def asleep(build: Job, founder: User) -> Any:
    """A session that sleeps until midnight, after spending the day's whole $2."""
    wake_at = clock.next_midnight(clock.now())
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.SLEEPING, wake_at=wake_at)
    day: dict[str, Any] = {"allowance_microdollars": 2_000_000, "spent_microdollars": 2_000_000}
    DailyBudget.objects.create(user=founder, day=clock.today(), **day)
    return wake_at


def shown(api: APIClient, build: Job) -> tuple[Any, Any, Any]:
    status = api.get(f"/api/jobs/{build.pk}/status").json()
    return status["agent_state"], status["budget_pct"], datetime.fromisoformat(status["wake_at"])


def test_the_status_is_right_when_the_keys_are_gone(
    bare: Any, api: APIClient, build: Job, founder: User
) -> None:
    wake_at = asleep(build, founder)
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, wake_at)
    live_keys.set_budget({build.pk: 100})
    for name in bare.scan_iter(f"cofounder:agent:{build.pk}:*"):
        bare.delete(name)
    assert shown(api, build) == ("sleeping", 100, wake_at)


def test_the_status_is_right_when_the_keys_are_wrong(
    bare: Any, api: APIClient, build: Job, founder: User
) -> None:
    wake_at = asleep(build, founder)
    bare.set(key(build, "budget_pct"), "3", ex=5)
    bare.set(key(build, "state"), "working", ex=5)
    assert shown(api, build) == ("sleeping", 100, wake_at)


def test_without_redis_the_status_is_right_and_writing_is_no_error(
    api: APIClient, build: Job, founder: User, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wake_at = asleep(build, founder)
    live_keys.set_state(build.pk, SessionState.SLEEPING.value, wake_at)
    live_keys.set_budget({build.pk: 100})
    assert shown(api, build) == ("sleeping", 100, wake_at)


def test_on_the_second_day_the_percentage_begins_at_nothing(
    api: APIClient, build: Job, founder: User
) -> None:
    wake_at = asleep(build, founder)
    DailyBudget.objects.update(day=clock.today() - timedelta(days=1))
    assert shown(api, build) == ("sleeping", 0, wake_at)
