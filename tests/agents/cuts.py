"""Interrupts a run at a chosen point: between two calls, or in PostgreSQL within a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

TABLES = (
    "agents_agentmessage",
    "agents_agentsession",
    "agents_dailybudget",
    "agents_spendentry",
    "jobs_jobevent",
)
INSTALL = """
CREATE SEQUENCE cut_writes;
CREATE TABLE cut (at bigint);
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('cut_writes') = (SELECT at FROM cut) THEN RAISE EXCEPTION 'cut'; END IF;
    RETURN NULL;
END $$;
"""
REMOVE = "DROP FUNCTION cut CASCADE; DROP TABLE cut; DROP SEQUENCE cut_writes;"


class Cut(Exception):
    """The run ends here, as if its process had been killed."""


class Knife:
    """`pass_by` is called at every point between two half-steps, and raises at the chosen one."""

    def __init__(self, at: int) -> None:
        self._left = at

    def pass_by(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Cut


@contextmanager
def triggers() -> Iterator[None]:
    """The database counts writes, and refuses the one chosen by `cut_write`."""
    _execute(INSTALL)
    for table in TABLES:
        _execute(f"CREATE TRIGGER cut AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION cut()")
    try:
        yield
    finally:
        _execute(REMOVE)


def cut_write(number: int) -> None:
    """Make the `number`th write from now fail (0: none)."""
    _execute("ALTER SEQUENCE cut_writes RESTART; DELETE FROM cut; INSERT INTO cut VALUES (%s)", number)


def _execute(query: str, *arguments: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments or None)
