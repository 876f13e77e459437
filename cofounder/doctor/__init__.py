"""The doctor: looks at every part an install needs, and names the fix of what is not well."""

from collections.abc import Callable, Iterable, Iterator

from cofounder.doctor import outside, safety, services
from cofounder.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]

Look = Callable[[], Iterable[Finding]]

OF_THE_DATABASE: list[Look] = [
    services.look_at_migrations,
    services.look_at_queue,
    services.look_at_clock,
    services.look_at_keys,
    outside.look_at_models,
]
OF_THE_REST: list[Look] = [
    services.look_at_redis,
    services.look_at_storage,
    outside.look_at_e2b,
    outside.look_at_chromium,
    outside.look_at_mail,
    safety.look_at_settings,
]


def examine() -> Iterator[Finding]:
    """Look at every part, one after the other. What needs the database is left out when it is away."""
    postgres = list(services.look_at_postgres())
    yield from postgres
    is_there = postgres[0].level != Level.FAIL
    for look in [*(OF_THE_DATABASE if is_there else []), *OF_THE_REST]:
        yield from look()
