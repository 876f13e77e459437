"""A session's claim, for a test that knows the session to be free."""

from agents.session.claim import Claim, claim
from jobs.models import Job


def claim_of(job: Job, run_id: int = 0) -> Claim:
    claimed = claim(job.pk, run_id)
    assert claimed is not None
    return claimed
