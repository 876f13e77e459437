"""The tasks that the queue runs. Only workers import this: it loads the SDKs of the model and the sandbox.

Everybody else queues a task by its name, with its queue.
"""

from contextlib import suppress
from uuid import UUID

import structlog
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from agents import metrics
from agents.actions.projects import END_SANDBOX
from agents.actions.show_app import SHOW
from agents.builds import finished_app
from agents.builds.build import execute_build
from agents.database import in_transaction
from agents.interview import call, desk
from agents.notifications import mail, webhook  # noqa: F401  # registers their tasks
from agents.sandbox import provider
from agents.worker import reaper
from agents.worker.sweep import REAP_SANDBOXES
from jobs.database_away import AWAY
from jobs.queue import AGENTS, ERRANDS, INTERVIEWS, RUN_AGENT

log = structlog.get_logger(__name__)


@app.task(name=RUN_AGENT, queue=AGENTS, pass_context=True)
async def run_agent(context: JobContext, job_id: str) -> None:
    """Run a job's agent until it stops."""
    run_id = context.job.id
    if run_id is None:
        raise ValueError("A run needs the id of its job in the queue.")
    with structlog.contextvars.bound_contextvars(correlation_id=f"run-{run_id}"):
        with suppress(*AWAY):  # the build meets the same error, and handles it
            await in_transaction(metrics.waited, run_id)
        await execute_build(UUID(job_id), run_id)


@app.task(name=desk.ASK, queue=INTERVIEWS, retry=RetryStrategy(max_attempts=5, exponential_wait=2))
async def ask_in_interview(interview_id: str, version: int) -> None:
    """Get an interview's next question from the model."""
    await call.ask(UUID(interview_id), version)


@app.task(name=END_SANDBOX, queue=ERRANDS, retry=RetryStrategy(max_attempts=5, exponential_wait=5))
async def end_sandbox(sandbox_id: str) -> None:
    """End a sandbox whose project was deleted."""
    await provider.kill(sandbox_id)


@app.task(name=SHOW, queue=ERRANDS)
async def show_app(job_id: str) -> None:
    """Start the app of a finished build, because somebody wants to see it."""
    if moment := await finished_app.open_app(UUID(job_id)):
        await in_transaction(finished_app.look_after_later, UUID(job_id), moment)


@app.task(name=finished_app.LOOK_AFTER, queue=ERRANDS)
async def look_after_app(job_id: str) -> None:
    """Keep a finished build's app running while it is used; then save its files and pause it."""
    if moment := await finished_app.keep_awake_or_pause(UUID(job_id)):
        await in_transaction(finished_app.look_after_later, UUID(job_id), moment)


@app.task(name=REAP_SANDBOXES, queue=ERRANDS)
async def reap_sandboxes() -> None:
    """End the sandboxes that are no longer needed."""
    for reaped in await reaper.reap():
        log.info("sandbox.reaped", sandbox_id=reaped.sandbox_id, why=reaped.why, done=reaped.done)
