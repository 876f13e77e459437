from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from agents.budget.forecast import Pace, Progress, cost_left, days_for, forecast
from agents.models import AgentSession, SpendEntry
from cofounder.models import User
from jobs import clock
from jobs.models import Job, Phase

TODAY = date(2026, 11, 10)
DOLLAR = 1_000_000


@pytest.mark.parametrize(
    ("phases", "done", "spent", "in_phase", "left"),
    [
        (5, 0, 100, 100, None),  # nothing is finished yet
        (0, 0, 0, 0, None),
        (5, 1, 0, 0, None),  # nothing is spent yet
        (5, 1, 100, 0, 400),
        (5, 1, 140, 40, 360),
        (5, 1, 300, 200, 325),  # the current phase has taken longer than usual, and will still cost something
        (5, 5, 500, 0, 0),
    ],
)
def test_what_is_left_to_spend_follows_from_the_phases_done(
    phases: int, done: int, spent: int, in_phase: int, left: int | None
) -> None:
    assert cost_left(Progress(phases, done, spent, in_phase)) == left


@pytest.mark.parametrize(
    ("cost", "room", "allowance", "days"),
    [
        (0, 0, 0, 0),
        (50, 50, 100, 0),
        (51, 50, 100, 1),
        (250, 50, 100, 2),
        (251, 50, 100, 3),
        (10, 5, 0, None),
    ],
)
def test_days_follow_from_the_room_of_today_and_the_days_after(
    cost: int, room: int, allowance: int, days: int | None
) -> None:
    assert days_for(cost, Pace(room, allowance, days_left=10)) == days


def test_a_forecast_says_when_and_what_a_top_up_changes() -> None:
    found = forecast(
        Progress(phases=5, done=1, spent=100, spent_in_phase=0),
        Pace(room_today=0, allowance=100, days_left=10),
        today=TODAY,
        top_up=1000,
    )
    assert found is not None
    assert (found.days, found.ready_on, found.ready_on_with_top_up) == (
        4,
        TODAY + timedelta(days=4),
        TODAY + timedelta(days=2),
    )


@given(
    st.integers(0, 10**9),
    st.integers(-(10**6), 10**7),
    st.integers(0, 10**7),
    st.integers(-3, 31),
    st.integers(0, 10**8),
)
def test_a_top_up_never_makes_a_build_later(
    cost: int, room: int, allowance: int, days_left: int, top_up: int
) -> None:
    pace = Pace(room, allowance, days_left)
    without, with_it = days_for(cost, pace), days_for(cost, pace, top_up)
    if without is not None:
        assert with_it is not None
        assert with_it <= without


def plan(build: Job, *, done: int, of: int) -> None:
    for position in range(of):
        status = Phase.Status.DONE if position < done else Phase.Status.PLANNED
        Phase.objects.create(job=build, position=position, name=f"Phase {position}", status=status)


def spend(build: Job, founder: User, amount: int, phase: str = "Phase 0") -> None:
    SpendEntry.objects.create(
        user=founder,
        session=AgentSession.objects.get(pk=build.pk),
        phase=phase,
        day=clock.today(),
        model="claude-sonnet-5-5",
        status=SpendEntry.Status.SETTLED,
        reserved_microdollars=amount,
        max_tokens=1,
        cost_microdollars=amount,
        price_version="1",
        created_at=clock.now(),
    )


def forecast_at(api: APIClient, build: Job) -> Any:
    return api.get(f"/api/jobs/{build.pk}/spend").json()["forecast"]


def test_there_is_no_forecast_before_the_first_phase_is_done(
    api: APIClient, build: Job, founder: User
) -> None:
    plan(build, done=0, of=4)
    spend(build, founder, DOLLAR)
    assert forecast_at(api, build) is None


def test_the_spend_says_when_the_build_will_be_ready(api: APIClient, build: Job, founder: User) -> None:
    plan(build, done=1, of=4)
    spend(build, founder, 2 * DOLLAR)
    today = clock.today()
    assert forecast_at(api, build) == {
        "ready_on": (today + timedelta(days=2)).isoformat(),
        "days": 2,
        "cost_left_microdollars": 6 * DOLLAR,
        "top_up_microdollars": 20 * DOLLAR,
        "ready_on_with_top_up": (today + timedelta(days=2)).isoformat(),
    }


def test_a_build_that_is_over_has_no_forecast(api: APIClient, build: Job, founder: User) -> None:
    plan(build, done=1, of=4)
    spend(build, founder, 2 * DOLLAR)
    build.status = "ready"
    build.save(update_fields=["status"])
    assert forecast_at(api, build) is None
