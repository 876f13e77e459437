from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.budget import wake_time
from agents.budget.allowance import LEAST_MAX_TOKENS
from agents.models import AgentSession, DailyBudget, Subscription
from cofounder.models import User
from jobs import clock
from jobs.models import Job

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
LONDON = "Europe/London"


def woken(
    now: Any = NOON,
    *,
    renews_on: date = date(2026, 11, 20),
    allowance: Any = 10,
    least_call: int = 5,
    **fields: Any,
) -> Any:
    return wake_time.wake_time(
        now, renews_on=renews_on, allowance_on=lambda day: allowance, least_call=least_call, **fields
    )


def test_a_sleeper_wakes_at_the_next_utc_midnight() -> None:
    assert woken() == datetime(2026, 11, 11, tzinfo=UTC)


def test_exactly_at_midnight_it_is_the_next_one() -> None:
    assert woken(datetime(2026, 11, 11, tzinfo=UTC)) == datetime(2026, 11, 12, tzinfo=UTC)


def test_an_allowance_smaller_than_one_call_waits_for_the_renewal() -> None:
    assert woken(allowance=4) == datetime(2026, 11, 20, tzinfo=UTC)


def test_a_share_that_grows_is_waited_for_until_it_covers_one_call() -> None:
    moment = wake_time.wake_time(
        NOON,
        renews_on=date(2026, 11, 20),
        allowance_on=lambda day: 20 // (date(2026, 11, 20) - day).days,
        least_call=5,
    )
    assert moment == datetime(2026, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize("renews_on", [date(2026, 11, 10), date(2026, 11, 11), date(2020, 1, 1)])
def test_a_renewal_that_is_due_or_past_is_waited_for_until_midnight_only(renews_on: date) -> None:
    assert woken(renews_on=renews_on, allowance=0) == datetime(2026, 11, 11, tzinfo=UTC)


def test_without_auto_wake_it_never_wakes_by_itself() -> None:
    assert woken(auto_wake=False) is None


@pytest.mark.parametrize(
    ("zone", "quiet_from", "quiet_until", "expected"),
    [
        ("UTC", time(22), time(7), "2026-11-11T07:00"),
        ("UTC", time(0), time(0), "2026-11-11T00:00"),
        ("UTC", time(9), time(17), "2026-11-11T00:00"),
        ("UTC", time(20), time(0), "2026-11-11T00:00"),
        ("Asia/Tokyo", time(22), time(7), "2026-11-11T00:00"),
        ("Asia/Tokyo", time(8), time(10), "2026-11-11T01:00"),
        ("America/New_York", time(18), time(8), "2026-11-11T13:00"),
        ("Not/A_Zone", time(22), time(7), "2026-11-11T07:00"),
        ("", time(22), time(7), "2026-11-11T07:00"),
    ],
)
def test_quiet_hours_are_waited_out_in_the_founder_s_own_time(
    zone: str, quiet_from: Any, quiet_until: Any, expected: str
) -> None:
    moment = woken(quiet_from=quiet_from, quiet_until=quiet_until, time_zone=zone)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "quiet_until", "expected"),
    [
        ("2026-03-28T12:00", time(1, 30), "2026-03-29T01:30"),  # 01:30 is skipped: it is then 02:30
        ("2026-03-28T12:00", time(7), "2026-03-29T06:00"),
        ("2026-10-24T12:00", time(7), "2026-10-25T07:00"),
        ("2026-10-24T12:00", time(1, 30), "2026-10-25T00:30"),  # 01:30 comes twice; the first one counts
    ],
)
def test_a_change_of_the_clocks_moves_the_end_of_the_quiet_hours(
    now: str, quiet_until: Any, expected: str
) -> None:
    moment = woken(
        datetime.fromisoformat(now).replace(tzinfo=UTC),
        renews_on=date(2027, 1, 1),
        quiet_from=time(22),
        quiet_until=quiet_until,
        time_zone=LONDON,
    )
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_in_the_hour_that_comes_twice_the_second_end_of_the_quiet_hours_counts() -> None:
    moment = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 01:10 in London, for the second time
    ends = wake_time.out_of_quiet_hours(moment, time(0, 30), time(1, 30), LONDON)
    assert ends == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", LONDON, "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"])


@given(MOMENTS, st.integers(-5, 40), st.integers(0, 20), st.times(), st.times(), ZONES)
def test_no_wake_is_in_the_past_inside_quiet_hours_or_long_after_the_renewal(
    now: Any, days: Any, allowance: Any, quiet_from: Any, quiet_until: Any, zone: Any
) -> None:
    renews_on = now.date() + timedelta(days=days)
    moment = woken(
        now,
        renews_on=renews_on,
        allowance=allowance,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        time_zone=zone,
    )
    assert moment > now
    assert not wake_time.is_quiet(moment.astimezone(ZoneInfo(zone)).time(), quiet_from, quiet_until)
    latest = datetime.combine(max(renews_on, clock.next_midnight(now).date()), time(), UTC)
    assert moment <= latest + timedelta(days=1, hours=2)


@given(MOMENTS, st.integers(-5, 40), st.integers(0, 20))
def test_without_quiet_hours_every_wake_is_a_utc_midnight(now: Any, days: Any, allowance: Any) -> None:
    moment = woken(now, renews_on=now.date() + timedelta(days=days), allowance=allowance)
    assert moment.time() == time()


def test_a_session_wakes_at_the_next_midnight_of_its_founder_s_money(build: Job) -> None:
    session = AgentSession.objects.get(pk=build.pk)
    assert wake_time.wake_time_of(session) == clock.next_midnight(clock.now())


def test_a_session_with_a_used_up_period_wakes_at_its_renewal(build: Job, founder: User) -> None:
    DailyBudget.objects.create(
        user=founder, day=clock.today(), allowance_microdollars=0, spent_microdollars=60_000_000
    )
    renews_on = founder.subscription.renews_on
    wake_at = wake_time.wake_time_of(AgentSession.objects.get(pk=build.pk))
    assert wake_at == datetime.combine(renews_on, time(), UTC)


def test_a_zero_budget_sleeps_until_the_renewal_rather_than_spinning(build: Job, founder: User) -> None:
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    wake_at = wake_time.wake_time_of(AgentSession.objects.get(pk=build.pk))
    assert wake_at is not None
    assert wake_at.date() == founder.subscription.renews_on


def test_the_least_call_grows_with_the_session_s_transcript(build: Job) -> None:
    session = AgentSession.objects.get(pk=build.pk)
    empty = wake_time.least_call_of(session, clock.today())
    session.context_tokens = 10_000
    assert wake_time.least_call_of(session, clock.today()) > empty == LEAST_MAX_TOKENS * 10
