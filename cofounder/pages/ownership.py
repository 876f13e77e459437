"""Finds what belongs to the signed-in founder; everything else does not exist for them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from escalations.models import AgentEscalation
from jobs.models import Job, Project

founders_only = login_required


def own_project(request: HttpRequest, project_id: UUID) -> Project:
    return get_object_or_404(Project, pk=project_id, owner=_me(request))


def own_job(request: HttpRequest, job_id: UUID) -> Job:
    jobs = Job.objects.select_related("project", "idea_brief")
    return get_object_or_404(jobs, pk=job_id, project__owner=_me(request))


def own_question(request: HttpRequest, escalation_id: UUID) -> AgentEscalation:
    questions = AgentEscalation.objects.select_related("project", "job")
    return get_object_or_404(questions, pk=escalation_id, project__owner=_me(request))


def _me(request: HttpRequest) -> Any:
    return request.user
