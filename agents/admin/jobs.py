"""Jobs: the list of builds, one build with its parts, and its event log."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from agents.admin import columns, logs
from agents.admin.actions import ActingAdmin
from agents.admin.columns import BuildColumns, link
from agents.models import AgentSession, BuildDocument, Snapshot
from jobs.admin_base import as_uuid
from jobs.models import Job, JobEvent, Phase

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline  # takes no parameter at run time


class Part(TabularInline):
    """A part of a build, read-only."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PhaseInline(Part):
    model = Phase
    fields = ("position", "name", "goal", "status", "started_at", "completed_at")


class SnapshotInline(Part):
    model = Snapshot
    fields = ("key", "size", "reason", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("manifest")


class DocumentInline(Part):
    model = BuildDocument
    fields = ("section", "content", "updated_at")


@admin.register(Job)
class JobAdmin(BuildColumns, ActingAdmin):
    list_display = (
        "version",
        "project",
        "founder",
        "status",
        "agent",
        "phase",
        "last_heard",
        "spend",
        "sandbox",
        "wakes",
        "created_at",
    )
    list_filter = ("status", "tier")
    list_select_related = ("project__owner", "session")
    ordering = ("-created_at",)
    search_fields = ("debug_id",)
    search_help_text = (
        "A build's, project's or founder's id, a debug id, a project's name or an e-mail address."
    )
    inlines = (PhaseInline, DocumentInline, SnapshotInline)
    fields = (
        *("project", "founder", "version", "goal", "tier", "status", "status_message"),
        *("agent", "phase", "turns", "last_heard", "spend", "sandbox", "wakes"),
        *("preview_url", "debug_id", "created_at", "started_at", "finished_at", "read"),
    )

    def session_of(self, row: Any) -> AgentSession | None:
        return columns.session_of(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).select_related("project__owner", "session")

    def found(self, queryset: QuerySet[Job], words: str) -> QuerySet[Job]:
        if key := as_uuid(words):
            return queryset.filter(Q(pk=key) | Q(project=key) | Q(project__owner=key))
        return queryset.filter(Q(debug_id=words) | Q(project__in=columns.projects_called(words)))

    @admin.display(description="build", ordering="created_at")
    def version(self, job: Job) -> str:
        return job.build_version

    @admin.display(description="founder")
    def founder(self, job: Job) -> str:
        return str(job.project.owner)

    @admin.display(description="read")
    def read(self, job: Job) -> str:
        """Links to the event log, transcript, session and questions of this build."""
        pages = [link("jobs_job_log", job.pk, f"Event log ({job.last_seq})")]
        if session := columns.session_of(job):
            transcript = f"Transcript ({session.last_position})"
            pages += [link("agents_agentsession_transcript", job.pk, transcript)]
            pages += [link("agents_agentsession_change", job.pk, "Session")]
        questions = reverse("admin:escalations_agentescalation_changelist")
        pages += [format_html('<a href="{}?q={}">Questions</a>', questions, job.pk)]
        return format_html_join(" · ", "{}", ((page,) for page in pages))

    def get_urls(self) -> list[URLPattern]:
        log = path("<uuid:job_id>/log/", self.admin_site.admin_view(self.log), name="jobs_job_log")
        return [log, *super().get_urls()]

    def log(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """The event log, newest first."""
        job = get_object_or_404(Job.objects.select_related("project"), pk=job_id)
        if not request.user.has_perm("jobs.view_jobevent"):
            raise PermissionDenied
        rows = JobEvent.objects.filter(job=job).order_by("-seq")
        return logs.page(self, request, job, rows, logs.event, f"Event log of {job.project.name}")
