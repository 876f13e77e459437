import asyncio
import threading

import psycopg
import pytest
from django.db import OperationalError, connection

from agents.database import in_transaction
from agents.tasks import end_sandbox
from jobs.models import Project


def name(project: Project, text: str) -> None:
    Project.objects.filter(pk=project.pk).update(name=text)


async def name_of(project: Project) -> str:
    return str(await in_transaction(lambda: Project.objects.get(pk=project.pk).name))


@pytest.mark.django_db(transaction=True)
async def test_a_unit_that_raises_leaves_nothing_behind(project: Project) -> None:
    def fails() -> None:
        name(project, "changed")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_transaction(fails)
    assert await name_of(project) == "Uniform Swap"


@pytest.mark.django_db(transaction=True)
async def test_a_cancelled_unit_is_waited_for_and_stays_written(project: Project) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(10)
        name(project, "written")

    task = asyncio.create_task(in_transaction(slow))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await name_of(project) == "written"


@pytest.mark.django_db(transaction=True)
async def test_units_run_beside_each_other(project: Project) -> None:
    both = threading.Barrier(2)
    await asyncio.wait_for(asyncio.gather(in_transaction(both.wait, 10), in_transaction(both.wait, 10)), 10)


@pytest.mark.django_db(transaction=True)
async def test_a_database_that_goes_away_while_something_is_queued_is_a_database_that_is_away() -> None:
    def loses_its_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (mine,) = cursor.fetchone()
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [mine])
        end_sandbox.defer(sandbox_id="any")

    with pytest.raises(OperationalError):
        await in_transaction(loses_its_connection)
    assert await in_transaction(Project.objects.count) == 0
