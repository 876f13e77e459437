"""The API of projects, jobs, events, phases and checks. Everything is filtered by owner."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import briefs
from jobs.api import pagination
from jobs.api.ownership import as_uuid, own_job, own_jobs, own_project, user_of
from jobs.api.refusals import BAD_OR_NOT_FOUND, NOT_FOUND, REFUSALS
from jobs.api.serializers import (
    CheckSerializer,
    ErrorSerializer,
    FrameSerializer,
    JobSerializer,
    PhaseSerializer,
    ProjectDetailSerializer,
    ProjectInput,
    ProjectSerializer,
)
from jobs.events import frame
from jobs.models import EventType, Job, JobEvent, Phase, Project


@extend_schema_view(
    get=extend_schema(parameters=pagination.PAGE, responses={200: ProjectSerializer(many=True), **REFUSALS})
)
class ProjectsView(ListAPIView[Project]):
    throttle_scope = "projects"
    serializer_class = ProjectSerializer

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.filter(owner=self.request.user.pk)

    @extend_schema(
        request=ProjectInput, responses={201: ProjectDetailSerializer, **REFUSALS, 400: ErrorSerializer}
    )
    def post(self, request: Request) -> Response:
        given = ProjectInput(data=request.data)
        given.is_valid(raise_exception=True)
        project = briefs.create_project(owner=user_of(request), **given.validated_data)
        return Response(ProjectDetailSerializer(project).data, status=201)


class ProjectView(APIView):
    throttle_scope = "projects"

    @extend_schema(responses={200: ProjectDetailSerializer, **NOT_FOUND})
    def get(self, request: Request, project_id: UUID) -> Response:
        return Response(ProjectDetailSerializer(own_project(request, project_id)).data)

    @extend_schema(request=ProjectInput, responses={200: ProjectDetailSerializer, **BAD_OR_NOT_FOUND})
    def patch(self, request: Request, project_id: UUID) -> Response:
        project = own_project(request, project_id)
        given = ProjectInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        self.change(project, given.validated_data)
        return Response(ProjectDetailSerializer(project).data)

    @transaction.atomic
    def change(self, project: Project, given: dict[str, Any]) -> None:
        """Name and goal are replaced; brief and interview get a new version."""
        fields = [name for name in ("name", "goal") if name in given]
        for name in fields:
            setattr(project, name, given[name])
        project.save(update_fields=fields)
        if "idea_brief" in given:
            briefs.add_brief(project, given["idea_brief"])
        if "interview" in given:
            briefs.add_interview(project, given["interview"])


@extend_schema(
    parameters=[*pagination.PAGE, OpenApiParameter("project_id", UUID)],
    responses={200: JobSerializer(many=True), **NOT_FOUND},
)
class JobsView(ListAPIView[Job]):
    serializer_class = JobSerializer

    def get_queryset(self) -> QuerySet[Job]:
        jobs = own_jobs(self.request)
        if project_id := self.request.query_params.get("project_id"):
            jobs = jobs.filter(project=own_project(self.request, as_uuid(project_id)))
        return jobs


class JobView(APIView):
    @extend_schema(responses={200: JobSerializer, **NOT_FOUND})
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(JobSerializer(own_job(request, job_id)).data)


class AfterSeq(pagination.AfterPagination):
    ordering = "seq"


@extend_schema(
    parameters=[pagination.AFTER, pagination.LIMIT],
    responses={200: FrameSerializer(many=True), **BAD_OR_NOT_FOUND},
)
class EventsView(ListAPIView[JobEvent]):
    """The job's event log in order: the same frames that the WebSocket sends."""

    serializer_class = FrameSerializer
    pagination_class = AfterSeq

    def get_queryset(self) -> QuerySet[JobEvent]:
        return own_job(self.request, self.kwargs["job_id"]).events.all()


@extend_schema(parameters=pagination.PAGE, responses={200: PhaseSerializer(many=True), **NOT_FOUND})
class PhasesView(ListAPIView[Phase]):
    serializer_class = PhaseSerializer

    def get_queryset(self) -> QuerySet[Phase]:
        return own_job(self.request, self.kwargs["job_id"]).phases.all()


class ChecksView(APIView):
    @extend_schema(responses={200: CheckSerializer(many=True), **NOT_FOUND})
    def get(self, request: Request, job_id: UUID) -> Response:
        """The newest result for each promise of the brief."""
        finished = own_job(request, job_id).events.filter(type=EventType.CHECK_FINISHED)
        newest = {event.payload["promise"]: frame(event) for event in finished}
        return Response(CheckSerializer(list(newest.values()), many=True).data)
