"""The status of a build: the figures that both the page and the API show."""

from typing import Any

from agents.budget import reports
from agents.models import AgentSession
from escalations.models import AgentEscalation
from jobs.models import Job


def status_of(job: Job) -> dict[str, Any]:
    """The state of the job, its agent, the founder's day and the open questions, from the database."""
    session = AgentSession.objects.filter(pk=job.pk).first()
    last_event = job.events.order_by("-seq").first()
    pending = job.escalations.filter(status=AgentEscalation.Status.PENDING)
    return {
        "job_id": job.pk,
        "status": job.status,
        "status_message": job.status_message,
        "agent_state": session.state if session else None,
        "current_phase": session.current_phase if session else "",
        "iteration": session.iteration if session else 0,
        "budget_pct": reports.day_of(job.project.owner_id)["budget_pct"],
        "wake_at": session.wake_at if session else None,
        "pending_escalations": pending.count(),
        "preview_url": job.preview_url,
        "build_version": job.build_version,
        "started_at": job.started_at,
        "last_event_at": last_event.created_at if last_event else None,
        "last_seq": job.last_seq,
    }
