"""A project in the API, as far as agents are concerned: deleting it ends its sandbox and files."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.actions.projects import delete_project
from jobs import api as jobs_api
from jobs.api import NOT_FOUND
from jobs.ownership import own_project


class ProjectView(jobs_api.ProjectView):
    @extend_schema(responses={204: None, **NOT_FOUND})
    def delete(self, request: Request, project_id: UUID) -> Response:
        """Stop the project's build, and delete the project with everything that belongs to it."""
        delete_project(own_project(request, project_id), request.user)
        return Response(status=204)
