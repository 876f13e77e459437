"""Takes or restores one snapshot as a separate worker: `-m tests.agents.one_snapshot take JOB SANDBOX`."""

import asyncio
import sys

import django


async def main(what: str, job_id: str, sandbox_id: str) -> None:
    from agents.database import in_transaction
    from agents.models import Snapshot
    from agents.sandbox.workspace import Workspace
    from agents.snapshots import restore, save
    from jobs.models import Job

    job = await in_transaction(Job.objects.get, pk=job_id)
    workspace = await Workspace.open(
        project_id=job.project_id, job_id=job.pk, epoch=2, sandbox_id=sandbox_id, may_create=False
    )
    if what == "take":
        await save.take(
            workspace, project_id=job.project_id, job_id=job.pk, reason=Snapshot.Reason.CHECKPOINT
        )
    else:
        await restore.restore_newest(workspace, job.project_id, job.pk)


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(*sys.argv[1:]))
