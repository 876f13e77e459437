"""Starts a build: checks what must be true first, and creates its rows."""

import secrets
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from agents.budget import ledger, renewal, subscriptions
from agents.models import AgentSession, Snapshot, Subscription
from agents.session import earlier_builds
from jobs import briefs, clock, events
from jobs.errors import Conflict, PaymentNeeded, Unavailable
from jobs.models import Artifact, EventType, Job, Project
from jobs.queue import enqueue_agent_run


@transaction.atomic
def start_build(project: Project, *, goal: str = "", idempotency_key: str | None = None) -> tuple[Job, bool]:
    """Queue a build of the project; returns the job, and whether this call created it.

    The same key gives the same job. Raises `Unavailable` where building is switched off, `PaymentNeeded`
    without money or subscription, `Conflict` while another build is under way.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if idempotency_key and (known := project.jobs.filter(idempotency_key=idempotency_key).first()):
        return known, False
    _need_agents()
    renewal.renew_of(project.owner_id)
    _need_money(subscriptions.require_subscription(project.owner_id))
    return _queue(project, goal=goal, idempotency_key=idempotency_key), True


@transaction.atomic
def go_back(snapshot: Snapshot) -> Job:
    """Queue a build that begins with the files of a snapshot and is ready when its checks pass.

    It keeps to the brief those files were made for, and needs the agent, and money, only for what fails.
    Raises `Unavailable` and `Conflict` like `start_build`.
    """
    Project.objects.select_for_update(no_key=True).get(pk=snapshot.project_id)
    _need_agents()
    made_for = snapshot.job.idea_brief if snapshot.job else None
    return _queue(snapshot.project, idea_brief=made_for, goes_back_to=snapshot)


def _need_agents() -> None:
    if not settings.AUTONOMOUS_AGENT:
        raise Unavailable("Building is switched off on this installation for now. Please try again later.")


def _queue(project: Project, *, goes_back_to: Snapshot | None = None, **fields: Any) -> Job:
    config = subscriptions.resolve_llm_config(project.owner_id)
    job = _create_job(project, tier=config.tier, **fields)
    AgentSession.objects.create(
        job=job,
        user=project.owner,
        model=config.model,
        max_tool_calls=config.max_tool_calls,
        goes_back_to=goes_back_to,
        created_at=job.created_at,
    )
    events.record(job.pk, EventType.JOB_STATUS, status=job.status, previous="", message=job.status_message)
    earlier_builds.tell_change(job)
    Project.objects.filter(pk=project.pk).exclude(next_change="").update(next_change="")
    enqueue_agent_run(job.pk)
    return job


def _need_money(subscription: Subscription) -> None:
    """Refuse when the period's money is used up. When only the day's is, the build starts and sleeps."""
    today = ledger.today_of(subscription.user_id)
    spent = today.spent_microdollars if today else 0
    if ledger.remaining_in_period(subscription, clock.today()) - spent <= 0:
        renewal = f"{subscription.renews_on:%-d %B %Y}"
        raise PaymentNeeded(
            f"There is no money left in this period; it renews on {renewal}. Top up to start before then."
        )


def _create_job(
    project: Project,
    *,
    tier: str,
    goal: str = "",
    idempotency_key: str | None = None,
    idea_brief: Artifact | None = None,
) -> Job:
    last = project.jobs.order_by("-build_number").values_list("build_number", flat=True).first() or 0
    try:
        with transaction.atomic():
            return Job.objects.create(
                project=project,
                goal=briefs.clean_text(goal, "goal", briefs.TEXT_LIMIT),
                tier=tier,
                status_message="Waiting for a worker",
                build_number=last + 1,
                debug_id=secrets.token_hex(4),
                idea_brief=idea_brief or briefs.latest_brief(project),
                idempotency_key=idempotency_key or None,
                created_at=clock.now(),
            )
    except IntegrityError as error:
        raise Conflict(
            "A build of this project is already under way. Wait until it is finished, or stop it first."
        ) from error
