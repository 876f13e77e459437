"""A project is deleted while a worker writes: nothing of it remains."""

import threading
import time

import pytest
from django.db import connection, transaction

from agents.actions import control
from agents.actions.projects import delete_project
from agents.builds import transactions
from agents.checkpoint import step
from agents.models import AgentMessage, AgentSession, SpendEntry
from agents.session.claim import Claim
from agents.turns import text_block
from cofounder.models import User
from jobs import events
from jobs.models import EventType, Job, JobEvent

# Not pg_stat_activity: a transaction sees it as it was at its first look.
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def wait_until_somebody_waits() -> None:
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise TimeoutError("nobody waited for the worker's transaction")


def deleting(job: Job, founder: User) -> threading.Thread:
    def delete() -> None:
        try:
            delete_project(job.project, founder)
        finally:
            connection.close()

    thread = threading.Thread(target=delete)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_writes_while_its_project_is_deleted_is_deleted_too(
    founder: User, build: Job, transactional_db: None
) -> None:
    control.cancel(build, founder)  # the build is over, and its worker does not know it yet
    AgentSession.objects.filter(pk=build.pk).update(epoch=7)
    owner = Claim(build.pk, 7, previous="working")
    with transaction.atomic():
        transactions.prepare_session(owner, AgentSession.objects.get(pk=build.pk))
        step.begin(owner, [text_block("One more thing.")])
        events.record(build.pk, EventType.AGENT_NARRATION, text="One more thing.")
        thread = deleting(build, founder)
        wait_until_somebody_waits()
    thread.join(30)

    assert not Job.objects.filter(pk=build.pk).exists()
    assert not AgentMessage.objects.filter(session=build.pk).exists()
    assert not SpendEntry.objects.filter(session=build.pk).exists()
    assert not JobEvent.objects.filter(job=build.pk).exists()
