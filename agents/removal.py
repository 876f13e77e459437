"""Deleting a project: its build is stopped, its rows go, its stored files after them."""

from functools import partial
from typing import Any

import structlog
from django.core.files.storage import storages
from django.db import transaction

from agents import control
from agents.models import AgentSession, Snapshot
from agents.tasks import end_sandbox
from jobs.models import TERMINAL, JobEvent, Project

log = structlog.get_logger(__name__)


@transaction.atomic
def delete_project(project: Project, by: Any) -> None:
    """Stop the project's build if one runs, and delete everything it has."""
    Project.objects.select_for_update().get(pk=project.pk)
    for job in project.jobs.exclude(status__in=TERMINAL):
        control.cancel(job, by)
    sessions = AgentSession.objects.filter(job__project=project).exclude(sandbox_id="")
    for sandbox_id in set(sessions.values_list("sandbox_id", flat=True)):
        end_sandbox.defer(sandbox_id=sandbox_id)
    keys = list(Snapshot.objects.filter(project=project).values_list("key", flat=True))
    images = JobEvent.objects.filter(job__project=project, payload__has_key="image")
    shots = list(images.values_list("payload__image", flat=True))
    project.delete()
    transaction.on_commit(partial(_delete_files, "snapshots", keys))
    transaction.on_commit(partial(_delete_files, "default", shots))


def _delete_files(storage: str, names: list[str]) -> None:
    for name in names:
        try:
            storages[storage].delete(name)
        except Exception:
            # Storages raise errors of their own kinds. The rows are gone: one file more or less must not
            # keep the others.
            log.exception("removal.file_left", storage=storage, name=name)
