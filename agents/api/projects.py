"""A project in the API, as far as agents are concerned: its promises with their cost, and its deletion."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.actions import brief as actions
from agents.actions.projects import delete_project
from agents.api.serializers import BriefInput, BriefSerializer
from agents.budget import estimate
from jobs import brief_edits, briefs
from jobs.api import views
from jobs.api.ownership import own_project, user_of
from jobs.api.refusals import BAD_OR_NOT_FOUND, CONFLICT, NOT_FOUND
from jobs.brief_edits import Brief
from jobs.models import Project


class ProjectView(views.ProjectView):
    @transaction.atomic
    def change(self, project: Project, given: dict[str, Any]) -> None:
        """A build under way is told of another brief."""
        Project.objects.select_for_update().get(pk=project.pk)
        before = briefs.latest_brief(project)
        super().change(project, given)
        after = briefs.latest_brief(project)
        if after is not None and after != before:
            actions.tell_build(project, before, after, user_of(self.request))

    @extend_schema(responses={204: None, **NOT_FOUND})
    def delete(self, request: Request, project_id: UUID) -> Response:
        """Stop the project's build, and delete the project with everything that belongs to it."""
        delete_project(own_project(request, project_id), user_of(request))
        return Response(status=204)


class PromisesView(APIView):
    throttle_scope = "messages"

    @extend_schema(responses={200: BriefSerializer, **NOT_FOUND})
    def get(self, request: Request, project_id: UUID) -> Response:
        """What the newest brief promises, what it leaves out, and about what a build of it costs."""
        project = own_project(request, project_id)
        return Response(_answer(project, brief_edits.brief_of(briefs.latest_brief(project))))

    @extend_schema(request=BriefInput, responses={200: BriefSerializer, **BAD_OR_NOT_FOUND, **CONFLICT})
    def patch(self, request: Request, project_id: UUID) -> Response:
        """Replace the whole list of promises, or another list; what is not given stays.

        A promise with its key stays the same promise, also in other words and in another place; one without a
        key is new. The same list again changes nothing. A build under way is told what changed.
        """
        project = own_project(request, project_id)
        given = BriefInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        edits = [brief_edits.listed(name, wanted[name]) for name in brief_edits.LISTS if name in wanted]
        if "promises" in wanted:
            edits.append(brief_edits.rewritten(wanted["promises"]))
        edited = actions.edit_brief(project, *edits, by=user_of(request), version=wanted.get("version"))
        return Response(_answer(project, edited))


def _answer(project: Project, brief: Brief) -> Any:
    basis = estimate.estimator(project.owner_id)
    about = asdict(estimate.estimate(len(brief.promises), *basis)) if basis else None
    told = {name: brief.lines(name) for name in brief_edits.LISTS}
    given = {"version": brief.version, "promises": brief.promises, **told}
    return BriefSerializer({**given, "assumptions": briefs.assumptions(project), "estimate": about}).data
