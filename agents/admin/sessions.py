"""Sessions: the agents, their current state, and their transcripts."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from agents.admin import columns, logs
from agents.admin.actions import ActingAdmin
from agents.admin.columns import BuildColumns, link
from agents.models import AgentMessage, AgentSession
from jobs.admin_base import as_uuid
from jobs.models import Job


@admin.register(AgentSession)
class SessionAdmin(BuildColumns, ActingAdmin):
    list_display = (
        "build",
        "user",
        "agent",
        "phase",
        "turns",
        "last_heard",
        "spend",
        "sandbox",
        "wakes",
        "model",
    )
    list_filter = ("state", "trouble", "model")
    list_select_related = ("job__project", "user")
    ordering = ("-created_at",)
    search_fields = ("sandbox_id",)
    search_help_text = "A build's or founder's id, a sandbox's id, a project's name or an e-mail address."
    fields = (
        *("build", "user", "state", "phase", "turns", "last_heard", "spend", "sandbox", "wakes"),
        *("model", "sandbox_id", "tool_calls", "max_tool_calls", "context_tokens", "epoch", "run_id"),
        *(
            "pause_requested",
            "sleep_requested",
            "trouble",
            "trouble_since",
            "trouble_count",
            "trouble_detail",
            "created_at",
            "read",
        ),
    )

    def session_of(self, row: Any) -> AgentSession | None:
        return row if isinstance(row, AgentSession) else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentSession]:
        return super().get_queryset(request).select_related("job__project", "user").defer("system_prompt")

    def found(self, queryset: QuerySet[AgentSession], words: str) -> QuerySet[AgentSession]:
        if key := as_uuid(words):
            return queryset.filter(Q(pk=key) | Q(user=key))
        builds = Job.objects.filter(project__in=columns.projects_called(words)).values_list("pk", flat=True)
        return queryset.filter(Q(sandbox_id=words) | Q(pk__in=list(builds)))

    @admin.display(description="build", ordering="created_at")
    def build(self, session: AgentSession) -> str:
        return str(session)

    @admin.display(description="read")
    def read(self, session: AgentSession) -> str:
        return link("agents_agentsession_transcript", session.pk, f"Transcript ({session.last_position})")

    def get_urls(self) -> list[URLPattern]:
        name = "agents_agentsession_transcript"
        view = self.admin_site.admin_view(self.transcript)
        return [path("<uuid:job_id>/transcript/", view, name=name), *super().get_urls()]

    def transcript(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """The transcript, in order."""
        session = get_object_or_404(AgentSession.objects.select_related("job__project"), pk=job_id)
        if not request.user.has_perm("agents.view_agentmessage"):
            raise PermissionDenied
        rows = AgentMessage.objects.filter(session=session).order_by("position")
        title = f"Transcript of {session.job.project.name}"
        return logs.page(self, request, session, rows, logs.message, title)
