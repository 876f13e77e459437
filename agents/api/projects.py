"""A project in the API, as far as agents are concerned: deleting it ends its sandbox and files."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.actions.projects import delete_project
from jobs.api import views
from jobs.api.ownership import own_project, user_of
from jobs.api.refusals import NOT_FOUND


class ProjectView(views.ProjectView):
    @extend_schema(responses={204: None, **NOT_FOUND})
    def delete(self, request: Request, project_id: UUID) -> Response:
        """Stop the project's build, and delete the project with everything that belongs to it."""
        delete_project(own_project(request, project_id), user_of(request))
        return Response(status=204)
