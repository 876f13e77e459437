"""What the queue runs."""

from uuid import UUID

from procrastinate import JobContext
from procrastinate.contrib.django import app

from agents.build import execute_build
from jobs.queue import QUEUE, RUN_AGENT


@app.task(name=RUN_AGENT, queue=QUEUE, pass_context=True)
async def run_agent(context: JobContext, job_id: str) -> None:
    """Run a job's agent as far as it goes."""
    run_id = context.job.id
    if run_id is None:
        raise ValueError("A run needs the queue's number.")
    await execute_build(UUID(job_id), run_id)
