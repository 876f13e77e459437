"""A whole build as a worker does it, with the real SDKs against the rehearsal servers in the environment."""

import asyncio
import json
from datetime import timedelta

from agents.actions.start import start_build
from agents.builds.build import execute_build
from agents.database import in_transaction
from agents.models import AgentSession, Subscription
from bench import long_build
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import Job

PLENTY = 90_000_000_000  # µ$ a month: the day's budget never runs out


def new_build() -> Job:
    user = User.objects.create_user("bench@example.com")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(
        user=user, tier_id="partner", renews_on=renews_on, monthly_budget_override_microdollars=PLENTY
    )
    return start_build(create_project(owner=user, **long_build.BRIEF))[0]


async def build() -> Job:
    job = await in_transaction(new_build)
    await execute_build(job.pk, 0)
    return await in_transaction(Job.objects.get, pk=job.pk)


def main() -> None:
    job = asyncio.run(build())
    session = AgentSession.objects.get(pk=job.pk)
    report = {
        "job_id": str(job.pk),
        "status": job.status,
        "last": job.events.order_by("-seq").values_list("payload", flat=True)[0],
        "iterations": session.iteration,
        "ledger": session.cost_microdollars,
    }
    print(json.dumps(report))
