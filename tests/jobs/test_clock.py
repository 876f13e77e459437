from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from jobs import clock

MORNING = datetime(2027, 3, 1, tzinfo=UTC)


def test_without_a_row_the_clock_shows_real_time(db: None) -> None:
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_moved_clock_goes_on_from_where_it_was_set(db: None) -> None:
    clock.move(MORNING)
    assert timedelta() <= clock.now() - MORNING < timedelta(seconds=30)


def test_a_fast_clock_knows_when_its_times_really_come(db: None) -> None:
    clock.move(MORNING, speed=1000)
    real = clock.to_real(MORNING + timedelta(seconds=60_000))
    assert timedelta(seconds=50) < real - datetime.now(UTC) <= timedelta(seconds=60)


def test_outside_debug_the_clock_cannot_be_moved(db: None, settings: Settings) -> None:
    settings.MOVABLE_CLOCK = False
    with pytest.raises(clock.ClockRefused):
        clock.move(MORNING)


def test_a_clock_cannot_stand_still(db: None) -> None:
    with pytest.raises(ValueError, match="more than zero"):
        clock.move(MORNING, speed=0)


def test_midnight_is_the_next_one_in_utc() -> None:
    assert clock.next_midnight(MORNING) == MORNING + timedelta(days=1)
    assert clock.next_midnight(MORNING - timedelta(seconds=1)) == MORNING
