"""Brings the tables of the database up to date."""

from django.core.management import call_command
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader

from cofounder.install.waiting import StartFailed


def prepare() -> None:
    """Apply the migrations that are missing. Raises `StartFailed` for tables of a newer version."""
    try:
        need_known(applied_but_unknown())
        call_command("migrate", interactive=False, verbosity=0)
    except Error as error:
        raise StartFailed(f"The tables could not be brought up to date: {str(error).strip()}") from error
    finally:
        connection.close()


def need_known(unknown: list[str]) -> None:
    if unknown:
        raise StartFailed(
            f"A newer version of cofounder has made the database ({unknown[-1]} is not known to this one). "
            "It is left as it is. Take the newer version, or set DATA_DIR to another directory."
        )


def applied_but_unknown() -> list[str]:
    """Migrations that were applied to the database by a version of ours that had more of them."""
    loader = MigrationLoader(connection)
    ours = {"agents", "cofounder", "escalations", "jobs"}
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in ours and (app, name) not in loader.disk_migrations and (app, name) not in replaced
    )
