"""The one call upwards: asking the queue, by task name, to run an agent."""

from datetime import datetime
from uuid import UUID

from procrastinate.contrib.django import app

from jobs import clock

RUN_AGENT = "agents.run"

# What waits in one queue holds nothing up in another: an agent works for hours, a mail server may be slow.
AGENTS = "agents"
NEWS = "news"  # mails and webhooks
ERRANDS = "errands"  # apps to bring up, sandboxes to end
QUEUES = (AGENTS, NEWS, ERRANDS)


def enqueue_agent_run(job_id: UUID, at: datetime | None = None) -> None:
    """Queue a run of this job's agent, as part of the open transaction; `at` is a time of our clock.

    Queuing twice is harmless: a run that finds nothing to do ends silently.
    """
    when = clock.to_real(at) if at else None
    app.configure_task(RUN_AGENT, queue=AGENTS, schedule_at=when).defer(job_id=str(job_id))
