"""Deleting a project: its build is stopped, its rows go, its stored files after them."""

from functools import partial
from typing import Any

import structlog
from django.core.files.storage import storages
from django.db import transaction

from agents import control
from agents.models import Snapshot
from jobs.models import TERMINAL, Project

log = structlog.get_logger(__name__)


@transaction.atomic
def delete_project(project: Project, by: Any) -> None:
    """Stop the project's build if one runs, and delete everything it has."""
    Project.objects.select_for_update().get(pk=project.pk)
    for job in project.jobs.exclude(status__in=TERMINAL):
        control.cancel(job, by)
    keys = list(Snapshot.objects.filter(project=project).values_list("key", flat=True))
    project_id = str(project.pk)
    project.delete()
    transaction.on_commit(partial(_delete_files, project_id, keys))


def _delete_files(project_id: str, keys: list[str]) -> None:
    for key in keys:
        try:
            storages["snapshots"].delete(key)
        except Exception:
            # Storages raise errors of their own kinds. The rows are gone: one file more or less must not
            # keep the others.
            log.exception("removal.file_left", project_id=project_id, key=key)
