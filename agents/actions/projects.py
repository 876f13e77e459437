"""Deletes a project: stops its build, deletes its rows, then its stored files."""

from functools import partial

import structlog
from django.contrib.auth.models import AbstractUser
from django.core.files.storage import storages
from django.db import transaction
from procrastinate.contrib.django import app

from agents.actions import control
from agents.models import AgentSession, SpendEntry
from agents.session.locks import lock_to_delete
from jobs.models import TERMINAL, Project
from jobs.queue import ERRANDS

log = structlog.get_logger(__name__)

END_SANDBOX = "agents.end_sandbox"


@transaction.atomic
def delete_project(project: Project, by: AbstractUser) -> None:
    """Stop the project's build if one runs, and delete everything it has. The ledger keeps what it cost."""
    Project.objects.select_for_update().get(pk=project.pk)
    for job in project.jobs.exclude(status__in=TERMINAL):
        control.cancel(job, by)
    sessions = AgentSession.objects.filter(job__project=project).exclude(sandbox_id="")
    for sandbox_id in set(sessions.values_list("sandbox_id", flat=True)):
        app.configure_task(END_SANDBOX, queue=ERRANDS).defer(sandbox_id=sandbox_id)
    folder = f"projects/{project.pk}"
    # A worker that is about to add to a log or a transcript waits, and then finds nothing to add to.
    lock_to_delete(project)
    SpendEntry.objects.filter(session__job__project=project).update(phase="")  # the money stays, the words go
    project.delete()
    transaction.on_commit(partial(_delete_folder, "snapshots", f"{folder}/snapshots"))
    transaction.on_commit(partial(_delete_folder, "default", f"{folder}/screenshots"))


def _delete_folder(storage: str, folder: str) -> None:
    """Delete the project's stored files, also those that a worker stored but died before recording."""
    try:
        names = storages[storage].listdir(folder)[1]
    except FileNotFoundError:
        return
    except Exception:
        log.exception("removal.folder_left", storage=storage, folder=folder)
        return
    for name in names:
        try:
            storages[storage].delete(f"{folder}/{name}")
        except Exception:
            # Each storage raises errors of its own. The rows are gone, so one file that stays must not
            # keep the others from being deleted.
            log.exception("removal.file_left", storage=storage, name=name)
