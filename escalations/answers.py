"""Resolving an escalation: the answer is stored, passed on to the model, and shown in every browser."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from escalations.models import AgentEscalation, ErrorSignature
from jobs import briefs, clock, events, project_secrets
from jobs.errors import CofounderError, Conflict
from jobs.models import EventType, Job
from jobs.queue import enqueue_agent_run

PROVIDE_GUIDANCE = "provide_guidance"  # valid on every escalation
PROVIDE_CREDENTIALS = "provide_credentials"
GUIDANCE_LIMIT = 10_000


class BadAnswer(CofounderError):
    """The answer cannot be used as it is."""


@sensitive_variables()
@transaction.atomic
def resolve(
    escalation_id: UUID,
    *,
    decision: str,
    guidance: str = "",
    secrets: dict[str, str] | None = None,
    by: AbstractUser | None,
    via: AgentEscalation.Via = AgentEscalation.Via.FOUNDER,
) -> AgentEscalation:
    """Answer a pending escalation, reset its failure's count, and queue a run of the agent.

    `by` is the user who answered, None where nobody is signed in. Raises `AgentEscalation.DoesNotExist`,
    `BadAnswer`, `BadSecret`, and `Conflict` when it has been answered or skipped.
    """
    found = AgentEscalation.objects.only("job_id").get(pk=escalation_id)
    Job.objects.select_for_update(no_key=True).get(pk=found.job_id)  # the job is always locked first
    escalation = AgentEscalation.objects.select_for_update(no_key=True, of=("self",)).get(pk=escalation_id)
    _need_pending(escalation)
    guidance = clean(escalation, decision, guidance)
    secrets = project_secrets.clean(secrets or {})
    if decision == PROVIDE_CREDENTIALS and not (secrets or guidance):
        raise BadAnswer("Enter the key or password, or choose another answer.", field="secrets")
    project_secrets.need_kept_apart(secrets, guidance)
    if secrets:
        project_secrets.keep(escalation.project_id, secrets)
    moment = clock.now()
    escalation.secret_names = sorted(secrets)
    escalation.resolved_via = via
    _write(escalation, decision, guidance, by, moment)
    _begin_anew(escalation)
    events.record(
        escalation.job_id,
        EventType.ESCALATION_RESOLVED,
        escalation_id=str(escalation.pk),
        resolution=decision,
        guidance=guidance,
        resolved_at=moment.isoformat(),
    )
    enqueue_agent_run(escalation.job_id)
    return escalation


def skip_open(job_id: UUID) -> None:
    """Questions still open when a job ends need no answer."""
    pending = AgentEscalation.objects.filter(job=job_id, status=AgentEscalation.Status.PENDING)
    pending.update(status=AgentEscalation.Status.SKIPPED)


def _need_pending(escalation: AgentEscalation) -> None:
    if escalation.status == AgentEscalation.Status.RESOLVED:
        raise Conflict("This question has been answered already.")
    if escalation.status == AgentEscalation.Status.SKIPPED:
        raise Conflict("This question needs no answer any more: its build is over.")


def clean(escalation: AgentEscalation, decision: str, guidance: str) -> str:
    """The guidance as it will be stored; `BadAnswer` when it or the decision is not valid."""
    valid = [option["value"] for option in escalation.options]
    if decision not in (*valid, PROVIDE_GUIDANCE):
        choices = ", ".join(dict.fromkeys([*valid, PROVIDE_GUIDANCE]))
        raise BadAnswer(f"This is not one of the choices. Choose one of: {choices}.", field="decision")
    guidance = briefs.clean_text(guidance, "guidance", GUIDANCE_LIMIT)
    if decision == PROVIDE_GUIDANCE and not guidance:
        raise BadAnswer("Say in your own words what the agent should do.", field="guidance")
    return guidance


def _write(
    escalation: AgentEscalation, decision: str, guidance: str, by: AbstractUser | None, moment: datetime
) -> None:
    escalation.status = AgentEscalation.Status.RESOLVED
    escalation.founder_decision = decision
    escalation.founder_guidance = guidance
    escalation.resolved_by_id = by.pk if by is not None else None
    escalation.resolved_at = moment
    escalation.save(
        update_fields=[
            "status",
            "founder_decision",
            "founder_guidance",
            "resolved_by",
            "resolved_via",
            "resolved_at",
            "secret_names",
        ]
    )


def _begin_anew(escalation: AgentEscalation) -> None:
    """The failure behind the question may be tried three times again."""
    signatures = ErrorSignature.objects.filter(
        project_id=escalation.project_id, signature=escalation.error_signature
    )
    signatures.update(attempts=[], escalated_at=None, reset_at=escalation.resolved_at)
