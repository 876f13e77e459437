"""Finds what belongs to the signed-in founder; everything else does not exist for them."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from cofounder.models import User
from escalations.models import AgentEscalation
from jobs.models import Job, Project

founders_only = login_required


def founder_of(request: HttpRequest) -> User:
    """Who is signed in; for the pages of `founders_only`."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def own_project(request: HttpRequest, project_id: UUID) -> Project:
    return get_object_or_404(Project, pk=project_id, owner=founder_of(request))


def own_job(request: HttpRequest, job_id: UUID) -> Job:
    jobs = Job.objects.select_related("project", "idea_brief")
    return get_object_or_404(jobs, pk=job_id, project__owner=founder_of(request))


def own_question(request: HttpRequest, escalation_id: UUID) -> AgentEscalation:
    questions = AgentEscalation.objects.select_related("project", "job")
    return get_object_or_404(questions, pk=escalation_id, project__owner=founder_of(request))
