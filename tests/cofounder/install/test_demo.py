from datetime import timedelta
from typing import Any

import pytest

from agents.models import AgentSession, SessionState
from cofounder.install import demo
from jobs import clock
from jobs.models import EventType, Job


def put(build: Job, state: SessionState, **fields: Any) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=state, **fields)


@pytest.fixture
def sleeper(build: Job) -> Any:
    """A build whose agent sleeps until the next midnight of a short day."""
    demo.begin_days(is_short=True)
    put(build, SessionState.SLEEPING, wake_at=clock.next_midnight(clock.now()))
    return build


def test_a_short_day_begins_at_midnight(build: Job) -> None:
    demo.begin_days(is_short=True)

    assert clock.speed() == demo.DAY_SPEED
    assert clock.now() - clock.now().replace(hour=0, minute=0) < timedelta(hours=1)


def test_with_real_services_days_are_real_again(build: Job) -> None:
    demo.begin_days(is_short=True)

    demo.begin_days(is_short=False)

    assert clock.speed() == 1.0


def test_the_night_lasts_seconds_when_nobody_is_at_work(sleeper: Any) -> None:
    demo.let_the_night_pass()

    wake_at = AgentSession.objects.get().wake_at
    assert wake_at is not None
    left = clock.to_real(wake_at) - clock.to_real(clock.now())
    assert left.total_seconds() <= demo.NIGHT_SECONDS
    assert sleeper.events.filter(type=EventType.AGENT_STATE).last().payload["state"] == "sleeping"


def test_a_night_is_hurried_once(sleeper: Any) -> None:
    demo.let_the_night_pass()
    told = sleeper.events.count()

    demo.let_the_night_pass()

    assert sleeper.events.count() == told


def test_a_day_is_not_hurried_while_an_agent_works(sleeper: Any) -> None:
    put(sleeper, SessionState.WORKING)

    demo.let_the_night_pass()

    assert clock.speed() == demo.DAY_SPEED


def test_the_day_is_slow_again_once_an_agent_is_awake(sleeper: Any) -> None:
    demo.let_the_night_pass()
    put(sleeper, SessionState.WORKING)

    demo.let_the_night_pass()

    assert clock.speed() == demo.DAY_SPEED


def test_the_demo_opens_a_build_with_a_link_to_it(tiers: None) -> None:
    link = demo.open_build()

    session = AgentSession.objects.get()
    assert "/enter/" in link
    assert session.job.project.name == "Borrow Shelf"
    assert session.user.email.startswith("demo-")
