"""Recognises that the database is away for now, whatever it says: who meets this waits and tries again.

A server that starts, stops, has no connection left, took too long or lost the connection says so as an
`OperationalError` or `InterfaceError`. One that became a replica refuses to write, and one that ended an idle
transaction says so later: both as an `InternalError`, which otherwise is a defect.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import InterfaceError, InternalError, OperationalError, connection
from procrastinate.exceptions import ConnectorException
from psycopg import errors

AWAY = (OperationalError, InterfaceError)  # after `recognised`, these are all

_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
)


def drop_connection() -> None:
    """Close this thread's connection for good: a pool would hand it out again."""
    if connection.connection is not None:
        connection.connection.close()
    connection.close()


@contextmanager
def recognised() -> Iterator[None]:
    """Raise every error that says that the database is away as one of `AWAY`.

    The connection is closed when it leads to a server that no longer takes writes: the next one may lead to
    the server that does.
    """
    try:
        yield
    except (InternalError, ConnectorException) as error:
        if not isinstance(error.__cause__, _PASSING):
            raise
        if not connection.in_atomic_block:
            drop_connection()
        raise OperationalError(f"The database is away: {error.__cause__}") from error
