"""Share links: whoever has one opens a project's app without signing in, until it expires or is revoked."""

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet

from agents.models import ShareLink
from jobs import clock
from jobs.errors import CofounderError, Conflict
from jobs.models import Project

MOST_DAYS = 365
MOST_LINKS = 20  # of a project at a time
_signer = signing.Signer(salt="agents.sharing")


def make(project: Project, days: int) -> ShareLink:
    """A link that works for so many days."""
    if not 1 <= days <= MOST_DAYS:
        raise CofounderError(f"A link can work for 1 to {MOST_DAYS} days.", field="days")
    if links_of(project).count() >= MOST_LINKS:
        raise Conflict(f"There are {MOST_LINKS} links already. Revoke one that nobody needs any more.")
    now = clock.now()
    return ShareLink.objects.create(project=project, created_at=now, expires_at=now + timedelta(days=days))


def links_of(project: Project) -> QuerySet[ShareLink]:
    """Those that work, newest first."""
    return ShareLink.objects.filter(project=project, expires_at__gt=clock.now())


def revoke(project: Project, link_id: UUID) -> None:
    """The link works no more; one that is gone already is fine."""
    ShareLink.objects.filter(project=project, pk=link_id).delete()


def token_of(link: ShareLink) -> str:
    """What the link's address carries: its id, signed, so that it can be shown again and not be guessed."""
    return _signer.sign(link.pk.hex)


def opens(project_id: UUID, token: str) -> bool:
    """Whether the token is of a link to this project that works."""
    try:
        link_id = UUID(_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return False
    return ShareLink.objects.filter(pk=link_id, project=project_id, expires_at__gt=clock.now()).exists()
