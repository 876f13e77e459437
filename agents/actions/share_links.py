"""Share links open a project's app without signing in, until they expire or are revoked."""

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
    """Create a link that works for this many days. Raises `CofounderError`, and `Conflict` at the limit."""
    if not 1 <= days <= MOST_DAYS:
        raise CofounderError(f"A link can work for 1 to {MOST_DAYS} days.", field="days")
    if links_of(project).count() >= MOST_LINKS:
        raise Conflict(f"There are {MOST_LINKS} links already. Revoke one that is no longer needed.")
    now = clock.now()
    return ShareLink.objects.create(project=project, created_at=now, expires_at=now + timedelta(days=days))


def links_of(project: Project) -> QuerySet[ShareLink]:
    """The project's links that have not expired, newest first."""
    return ShareLink.objects.filter(project=project, expires_at__gt=clock.now())


def revoke(project: Project, link_id: UUID) -> None:
    """Delete the link, so that it no longer works. Does nothing if it is already gone."""
    ShareLink.objects.filter(project=project, pk=link_id).delete()


def token_of(link: ShareLink) -> str:
    """The token in the link's address: its id, signed. It can be shown again, and cannot be guessed."""
    return _signer.sign(link.pk.hex)


def opens(project_id: UUID, token: str) -> bool:
    """Whether the token belongs to a link of this project that still works."""
    try:
        link_id = UUID(_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return False
    return ShareLink.objects.filter(pk=link_id, project=project_id, expires_at__gt=clock.now()).exists()
