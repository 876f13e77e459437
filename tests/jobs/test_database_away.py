"""Real refusals of a real PostgreSQL: each says that the database is away, and none that we have a defect."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, InternalError, ProgrammingError, connection, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg.conninfo import make_conninfo

from agents.database import in_thread, in_transaction
from agents.tasks import end_sandbox
from jobs.database_away import AWAY, drop_connection, recognised
from jobs.models import Project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _a_new_connection_afterwards(transactional_db: None) -> Iterator[None]:
    yield
    drop_connection()


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def read_only_after_a_failover() -> None:
    run("SET default_transaction_read_only = on")
    Project.objects.update(name="changed")


def a_statement_that_takes_too_long() -> None:
    run("SET statement_timeout = 20")
    run("SELECT pg_sleep(5)")


def a_lock_that_is_not_given() -> None:
    run("SET lock_timeout = 20")
    with psycopg.connect(plain_parameters()) as other:
        other.execute("LOCK TABLE jobs_project")
        Project.objects.update(name="changed")


def a_server_that_shuts_down() -> None:
    with psycopg.connect(plain_parameters(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [backend()])
    run("SELECT 1")


def a_transaction_that_was_ended_while_idle() -> None:
    with transaction.atomic():
        run("SET LOCAL idle_in_transaction_session_timeout = 20")
        with psycopg.connect(plain_parameters(), autocommit=True) as other:
            other.execute("SELECT pg_sleep(0.3)")
        run("SELECT 1")


def no_connection_left() -> None:
    name = connection.settings_dict["NAME"]
    drop_connection()
    database = connections[DEFAULT_DB_ALIAS]
    assert isinstance(database, DatabaseWrapper)
    database.close_pool()  # which may hold connections of earlier tests
    with psycopg.connect(plain_parameters(), dbname="postgres", autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            run("SELECT 1")
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def plain_parameters() -> str:
    database = connection.settings_dict
    return make_conninfo(dbname=database["NAME"], user=database["USER"], host=database["HOST"])


@pytest.mark.parametrize(
    "trouble",
    [
        read_only_after_a_failover,
        a_statement_that_takes_too_long,
        a_lock_that_is_not_given,
        a_server_that_shuts_down,
        a_transaction_that_was_ended_while_idle,
        no_connection_left,
    ],
)
def test_a_database_that_is_away_is_recognised(project: Project, trouble: Callable[[], None]) -> None:
    with pytest.raises(AWAY), recognised():
        trouble()


def test_a_defect_of_ours_stays_one() -> None:
    with pytest.raises(ProgrammingError), recognised():
        run("SELECT nothing FROM nowhere")
    drop_connection()
    with pytest.raises(InternalError), recognised():
        raise InternalError("something else")


async def test_a_unit_that_meets_a_replica_waits_for_the_server_that_takes_writes(project: Project) -> None:
    with pytest.raises(AWAY):
        await in_thread(read_only_after_a_failover)
    updated = await in_transaction(lambda: Project.objects.update(name="changed"))  # on a new connection
    assert updated == 1


async def test_a_task_that_cannot_be_queued_on_a_replica_is_recognised() -> None:
    def queue() -> None:
        run("SET default_transaction_read_only = on")
        end_sandbox.defer(sandbox_id="x")

    with pytest.raises(AWAY):
        await in_thread(queue)
