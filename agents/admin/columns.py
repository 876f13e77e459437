"""The columns shared by the lists of jobs and of sessions."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html

from agents.budget.amounts import dollars
from agents.models import AgentSession
from jobs.admin_base import ago
from jobs.models import Job, Project

MOST_FOUND = 1000  # projects, the newest ones


class BuildColumns:
    """Columns for a list whose rows have a session, found by `session_of`, or none yet."""

    def session_of(self, row: Any) -> AgentSession | None:
        raise NotImplementedError

    @admin.display(description="agent")
    def agent(self, row: Any) -> str:
        session = self.session_of(row)
        return session.get_state_display() if session else ""

    @admin.display(description="phase")
    def phase(self, row: Any) -> str:
        session = self.session_of(row)
        return session.current_phase if session else ""

    @admin.display(description="turns")
    def turns(self, row: Any) -> int:
        session = self.session_of(row)
        return session.iteration if session else 0

    @admin.display(description="last heard")
    def last_heard(self, row: Any) -> str:
        session = self.session_of(row)
        return ago(session.last_heard_at) if session else ""

    @admin.display(description="spend")
    def spend(self, row: Any) -> str:
        session = self.session_of(row)
        if session is None:
            return ""
        return link("agents_spend_of_build", session.pk, dollars(session.cost_microdollars))

    @admin.display(description="sandbox")
    def sandbox(self, row: Any) -> str:
        session = self.session_of(row)
        return duration(session.sandbox_seconds) if session else ""

    @admin.display(description="wakes")
    def wakes(self, row: Any) -> str:
        session = self.session_of(row)
        return f"{session.wake_at:%-d %b %H:%M} UTC" if session and session.wake_at else ""


def session_of(job: Job) -> AgentSession | None:
    """The job's session, if it has one."""
    return getattr(job, "session", None)


def projects_called(words: str) -> list[UUID]:
    """The ids of projects that match by name or by the founder's e-mail address, newest first.

    A query of its own, because as a subquery it would run again for counting and for reading the list.
    """
    called = Project.objects.filter(Q(name__icontains=words) | Q(owner__email__icontains=words))
    return list(called.order_by("-created_at").values_list("pk", flat=True)[:MOST_FOUND])


def duration(seconds: int) -> str:
    """A duration for people: 45 s, 12 min, 3 h 05 min."""
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def link(view: str, pk: Any, words: str) -> str:
    """An HTML link to a page of the admin."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{view}", args=[pk]), words)
