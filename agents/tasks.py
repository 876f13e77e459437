"""What the queue runs."""

from uuid import UUID

from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from agents import (
    notices,  # noqa: F401  # its task is registered by the import
    sandbox,
)
from agents.build import execute_build
from jobs.queue import QUEUE, RUN_AGENT


@app.task(name=RUN_AGENT, queue=QUEUE, pass_context=True)
async def run_agent(context: JobContext, job_id: str) -> None:
    """Run a job's agent as far as it goes."""
    run_id = context.job.id
    if run_id is None:
        raise ValueError("A run needs the queue's number.")
    await execute_build(UUID(job_id), run_id)


@app.task(name="agents.end_sandbox", queue=QUEUE, retry=RetryStrategy(max_attempts=5, exponential_wait=5))
async def end_sandbox(sandbox_id: str) -> None:
    """End a sandbox whose project is gone."""
    await sandbox.kill(sandbox_id)
