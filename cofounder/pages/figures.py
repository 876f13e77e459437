"""Times, formatted the same way on every page."""

from datetime import datetime, timedelta


def duration(span: timedelta) -> str:
    """The two largest units, as a person would say it."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def milliseconds(value: int) -> str:
    return (
        f"{value} ms"
        if value < 1000
        else f"{value / 1000:.1f} s"
        if value < 60_000
        else duration(timedelta(milliseconds=value))
    )


def parse_moment(value: object) -> datetime | None:
    """A moment from an event's payload."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
