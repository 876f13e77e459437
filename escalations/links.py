"""Links for answering a question without signing in: signed, valid for one answer and for a week."""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Q

from escalations import answers
from escalations.models import AgentEscalation, AnswerLink
from jobs import clock
from jobs.errors import CofounderError

LIFETIME = timedelta(days=7)
RENEWAL_PAUSE = timedelta(minutes=10)
_signer = Signer(sep=".", salt="escalations.links")


class LinkDamaged(CofounderError):
    """This link does not work. Perhaps a part of it was lost on the way: open it from the mail itself."""

    status_code = 404
    code = "not_found"


class LinkExpired(CofounderError):
    """This link is too old."""

    status_code = 410
    code = "gone"


def make(escalation: AgentEscalation) -> tuple[str, AnswerLink]:
    """A new link to this question for its founder: the token, which is not stored, and the row."""
    token = _signer.sign(secrets.token_urlsafe(24))
    now = clock.now()
    link = AnswerLink.objects.create(
        escalation=escalation,
        token_hash=_hash(token),
        sent_to=escalation.project.owner.email,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return token, link


def find(token: str) -> AnswerLink:
    """The link with this token; `LinkDamaged` when there is none. A forged token causes no query."""
    try:
        _signer.unsign(token)
    except BadSignature as error:
        raise LinkDamaged from error
    links = AnswerLink.objects.select_related("escalation__project__owner", "escalation__job")
    link = links.filter(token_hash=_hash(token), escalation__project__owner__is_active=True).first()
    if link is None:
        raise LinkDamaged
    return link


def has_expired(link: AnswerLink) -> bool:
    """Whether it is too old, or the founder has changed the e-mail address since."""
    owner = link.escalation.project.owner
    return clock.now() >= link.expires_at or link.sent_to != owner.email


@transaction.atomic
def answer(token: str, *, decision: str, guidance: str = "") -> AgentEscalation:
    """Answer the link's question in the name of its founder.

    Raises `LinkDamaged`, `LinkExpired`, and whatever `answers.resolve` raises.
    """
    link = find(token)
    if has_expired(link):
        raise LinkExpired
    if decision == answers.PROVIDE_CREDENTIALS:
        raise answers.BadAnswer("Keys and passwords are not taken through a link. Sign in to enter them.")
    escalation = answers.resolve(
        link.escalation_id,
        decision=decision,
        guidance=guidance,
        by=link.escalation.project.owner,
        via=AgentEscalation.Via.LINK,
    )
    AnswerLink.objects.filter(pk=link.pk).update(used_at=escalation.resolved_at)
    return escalation


def claim_renewal(link: AnswerLink) -> bool:
    """Whether a new link may replace this one now; of two requests at the same time, one gets True."""
    now = clock.now()
    is_due = Q(renewed_at=None) | Q(renewed_at__lte=now - RENEWAL_PAUSE)
    return AnswerLink.objects.filter(is_due, pk=link.pk).update(renewed_at=now) == 1


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
