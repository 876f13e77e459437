"""What the API's user owns; everything else is answered with 404."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from jobs.models import Job, Project


def user_of(request: Request) -> AbstractUser:
    """The signed-in user; a view that lets strangers in answers them with 401."""
    if not isinstance(request.user, AbstractUser):
        raise NotAuthenticated
    return request.user


def own_project(request: Request, project_id: UUID) -> Project:
    """The user's project; 404 for anybody else's."""
    return get_object_or_404(Project, pk=project_id, owner=request.user.pk)


def own_jobs(request: Request) -> QuerySet[Job]:
    return Job.objects.filter(project__owner=request.user.pk)


def own_job(request: Request, job_id: UUID) -> Job:
    """The user's job; 404 for anybody else's."""
    return get_object_or_404(own_jobs(request), pk=job_id)


def as_uuid(value: Any) -> UUID:
    """An id from a request; one that is no UUID becomes a UUID that does not exist, and so a 404."""
    try:
        return UUID(str(value))
    except ValueError:
        return UUID(int=0)
