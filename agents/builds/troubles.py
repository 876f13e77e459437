"""How a build rests when something outside of it is in trouble, by the table `agents.failures.trouble`."""

import structlog

from agents.budget.prices import ModelEnded, UnknownModel
from agents.errors import (
    FilesLost,
    SandboxBusy,
    SandboxError,
    SandboxForbidden,
    SandboxGone,
    SandboxLimit,
    SandboxRefused,
    SandboxRequestRefused,
    SandboxTaken,
    SandboxUnreachable,
    SandboxUnsafe,
    SnapshotFailed,
    StorageRefused,
    Trouble,
)
from agents.failures.trouble import TABLE, Course
from agents.llm.retry import ModelRefused, ProviderUnavailable
from agents.models import AgentSession, SessionState
from agents.session.claim import Claim
from agents.session.rest import Rest
from agents.stops import ContextFull
from jobs import clock
from jobs.errors import PaymentNeeded

log = structlog.get_logger(__name__)

LONGEST_DETAIL = 500


def rest_for(claim: Claim, trouble: Trouble, detail: str) -> Rest:
    """The sleep before the next try; longer each time as long as no step was made in between.

    `detail` is what the provider or the error said: for the operator, and for the founder only where the
    table has no sentence of its own.
    """
    session = AgentSession.objects.get(pk=claim.job_id)
    row = TABLE[trouble]
    if row.course == Course.PAUSE:
        return Rest(SessionState.PAUSED, row.sentence or detail)
    is_again = session.trouble == trouble and session.trouble_iteration == session.iteration
    earlier = session.trouble_count if is_again else 0
    since = session.trouble_since if is_again else None
    tell = log.error if row.operator else log.warning
    tell("build.trouble", trouble=trouble.value, times=earlier + 1, detail=detail, fix=row.operator)
    return Rest(
        SessionState.SLEEPING,
        row.sentence,
        clock.now() + row.rest_after(earlier),
        trouble=trouble,
        trouble_since=since or clock.now(),
        trouble_count=earlier + 1,
        detail=detail[:LONGEST_DETAIL],
    )


def trouble_of(error: Exception) -> Trouble:
    """The kind of trouble an error stands for; what nobody foresaw is a bug of ours."""
    if isinstance(error, ModelRefused):
        return error.trouble
    return next((trouble for kind, trouble in _KINDS if isinstance(error, kind)), Trouble.DEFECT)


_KINDS: tuple[tuple[type[Exception], Trouble], ...] = (  # the first that fits
    (ProviderUnavailable, Trouble.MODEL_AWAY),
    (ContextFull, Trouble.MODEL_FULL),
    (ModelEnded, Trouble.MODEL_RETIRED),
    (UnknownModel, Trouble.MODEL_NO_PRICE),
    (PaymentNeeded, Trouble.NO_MONEY),
    (FilesLost, Trouble.FILES_LOST),
    (StorageRefused, Trouble.STORAGE_REFUSED),
    (SnapshotFailed, Trouble.STORAGE_AWAY),
    (SandboxRefused, Trouble.SANDBOX_KEY),
    (SandboxForbidden, Trouble.SANDBOX_PERMISSION),
    (SandboxRequestRefused, Trouble.SANDBOX_REQUEST),
    (SandboxLimit, Trouble.SANDBOX_LIMIT),
    (SandboxUnsafe, Trouble.SANDBOX_UNSAFE),
    (SandboxGone, Trouble.SANDBOX_AWAY),
    (SandboxUnreachable, Trouble.SANDBOX_AWAY),
    (SandboxBusy, Trouble.SANDBOX_AWAY),
    (SandboxTaken, Trouble.SANDBOX_AWAY),
    (SandboxError, Trouble.SANDBOX_FAULT),
)
