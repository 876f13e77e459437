"""The one clock that everything uses: real time, or (with DEBUG) shifted and sped up by one database row."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from jobs.models import Clock

CACHE_SECONDS = 1.0


class ClockRefused(ImproperlyConfigured):
    """The clock may only be moved with DEBUG=true: outside it, days are real days."""


class Reading(NamedTuple):
    """How our time is computed from real time: `shown + (real - anchor) * speed`."""

    anchor: datetime
    shown: datetime
    speed: float

    def at(self, real: datetime) -> datetime:
        return self.shown + (real - self.anchor) * self.speed

    def real(self, ours: datetime) -> datetime:
        return self.anchor + (ours - self.shown) / self.speed


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL_TIME = Reading(EPOCH, EPOCH, 1.0)


class _Cached(NamedTuple):
    reading: Reading
    until: float  # monotonic seconds


_cached = _Cached(REAL_TIME, float("-inf"))


def _reading() -> Reading:
    global _cached
    if not settings.MOVABLE_CLOCK:
        return REAL_TIME
    if time.monotonic() > _cached.until:
        row = Clock.objects.filter(pk=Clock.THE_ROW).first()
        reading = Reading(row.anchor, row.shown, row.speed) if row else REAL_TIME
        _cached = _Cached(reading, time.monotonic() + CACHE_SECONDS)
    return _cached.reading


def forget() -> None:
    """Read the row again the next time."""
    global _cached
    _cached = _Cached(REAL_TIME, float("-inf"))


def now() -> datetime:
    """The time, aware UTC."""
    return _reading().at(datetime.now(UTC))


def today() -> date:
    return now().date()


def to_real(ours: datetime) -> datetime:
    """The real time at which this clock will show `ours`."""
    return _reading().real(ours)


def speed() -> float:
    """Seconds of ours that pass in one real second."""
    return _reading().speed


def move(shown: datetime, *, speed: float = 1.0) -> None:
    """Set the clock; other processes follow within a second.

    Raises `ClockRefused` outside DEBUG and `ValueError` for a speed that is not positive.
    """
    if not settings.MOVABLE_CLOCK:
        raise ClockRefused(ClockRefused.__doc__)
    if speed <= 0:
        raise ValueError("A clock's speed must be more than zero.")
    reading = {"anchor": datetime.now(UTC), "shown": shown, "speed": speed}
    Clock.objects.update_or_create(pk=Clock.THE_ROW, defaults=reading)
    forget()


def next_midnight(moment: datetime) -> datetime:
    """The first UTC midnight after `moment`."""
    return datetime.combine(moment.astimezone(UTC).date(), datetime.min.time(), UTC) + timedelta(days=1)
