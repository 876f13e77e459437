"""Whose is it: what the person who asks the API owns. Everything else is not found."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from jobs.models import Job, Project


def own_project(request: Request, project_id: UUID) -> Project:
    """The asker's project; someone else's is not found."""
    return get_object_or_404(Project, pk=project_id, owner=request.user.pk)


def own_jobs(request: Request) -> QuerySet[Job]:
    return Job.objects.filter(project__owner=request.user.pk)


def own_job(request: Request, job_id: UUID) -> Job:
    """The asker's job; someone else's is not found."""
    return get_object_or_404(own_jobs(request), pk=job_id)


def as_uuid(value: Any) -> UUID:
    """An id somebody sent; one that cannot exist is not found, as any other unknown one."""
    try:
        return UUID(str(value))
    except ValueError:
        return UUID(int=0)
