"""A job whose workspace is saved."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.models import Snapshot
from agents.sandbox.workspace import Workspace
from agents.snapshots import save
from jobs.models import Job, Project

Take = Callable[..., Awaitable[Snapshot]]
CHECKPOINT = Snapshot.Reason.CHECKPOINT


@pytest.fixture
def job(project: Project) -> Job:
    return Job.objects.create(project=project, build_number=1, created_at=project.created_at)


@pytest.fixture
def take(workspace: Workspace, job: Job) -> Take:
    """Saves the workspace."""

    async def take_(reason: Snapshot.Reason = CHECKPOINT) -> Any:
        return await save.take(workspace, project_id=job.project_id, job_id=job.pk, reason=reason)

    return take_
