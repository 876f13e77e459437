"""Every check of the doctor, in order."""

from collections.abc import Callable, Iterable, Iterator

from cofounder.operations.doctor import providers, services, settings
from cofounder.operations.doctor.finding import Finding, Level

Look = Callable[[], Iterable[Finding]]

OF_THE_TABLES: list[Look] = [
    services.look_at_queue,
    services.look_at_clock,
    services.look_at_troubles,
    services.look_at_keys,
    providers.look_at_models,
]
OF_THE_REST: list[Look] = [
    services.look_at_redis,
    services.look_at_storage,
    providers.look_at_e2b,
    providers.look_at_chromium,
    providers.look_at_mail,
    settings.look_at_settings,
]


def examine() -> Iterator[Finding]:
    """Check every part, one after the other. Those that need tables are skipped while there are none."""
    has_tables = True
    for look_first in (services.look_at_postgres, services.look_at_migrations):
        found = list(look_first()) if has_tables else []
        yield from found
        has_tables = has_tables and all(finding.level != Level.FAIL for finding in found)
    for look in [*(OF_THE_TABLES if has_tables else []), *OF_THE_REST]:
        yield from look()
