"""The API for builds: start, status, wake, pause, resume, cancel, messages, transcript, documents, money."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.actions import control
from agents.actions.start import start_build
from agents.api.serializers import (
    DocumentSerializer,
    MessageInput,
    MessageSerializer,
    StartedSerializer,
    StartInput,
    StatusSerializer,
    TranscriptSerializer,
)
from agents.models import AgentMessage
from agents.session.status import status_of
from jobs.api import pagination
from jobs.api.ownership import as_uuid, own_job, own_jobs, own_project, user_of
from jobs.api.refusals import BAD_OR_NOT_FOUND, CONFLICT, NOT_FOUND
from jobs.api.serializers import ErrorSerializer
from jobs.errors import CofounderError
from jobs.models import FounderMessage, Job

KEY_LIMIT = 200
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same key starts only one build, however often it is sent.",
)
START_REFUSALS = {**CONFLICT, 402: ErrorSerializer, 503: ErrorSerializer}


class StartView(APIView):
    throttle_scope = "start"

    @extend_schema(
        request=StartInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: StartedSerializer, 200: StartedSerializer, **START_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Start a build. 200 instead of 201 if this key has already started it."""
        given = StartInput(data=request.data)
        given.is_valid(raise_exception=True)
        project = own_project(request, as_uuid(given.validated_data["project_id"]))
        job, created = start_build(project, goal=given.validated_data["goal"], idempotency_key=_key(request))
        answer = StartedSerializer({"job_id": job.pk, "status": job.status})
        return Response(answer.data, status=201 if created else 200)


def _key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_LIMIT or not key.isprintable():
        raise CofounderError(f"An Idempotency-Key has at most {KEY_LIMIT} printable characters.")
    return key or None


class StatusView(APIView):
    @extend_schema(responses={200: StatusSerializer, **NOT_FOUND})
    def get(self, request: Request, job_id: UUID) -> Response:
        job = get_object_or_404(own_jobs(request).select_related("project__owner"), pk=job_id)
        return Response(StatusSerializer(status_of(job)).data)


class VerbView(APIView):
    """One of wake, pause, resume and cancel."""

    throttle_scope = "acts"
    act: Callable[[Job, Any], object]

    @extend_schema(request=None, responses={202: StatusSerializer, **NOT_FOUND, 409: ErrorSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        self.act(own_job(request, job_id), user_of(request))
        return Response(StatusSerializer(status_of(own_job(request, job_id))).data, status=202)


class WakeView(VerbView):
    act = staticmethod(control.wake)


class PauseView(VerbView):
    act = staticmethod(control.pause)


class ResumeView(VerbView):
    act = staticmethod(control.resume)

    @extend_schema(
        request=None,
        responses={202: StatusSerializer, **NOT_FOUND, 402: ErrorSerializer, 409: ErrorSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        return super().post(request, job_id)


class CancelView(VerbView):
    act = staticmethod(control.cancel)


@extend_schema_view(
    get=extend_schema(parameters=pagination.PAGE, responses={200: MessageSerializer(many=True), **NOT_FOUND})
)
class MessagesView(ListAPIView[FounderMessage]):
    throttle_scope = "messages"
    serializer_class = MessageSerializer

    def get_queryset(self) -> QuerySet[FounderMessage]:
        return own_job(self.request, self.kwargs["job_id"]).messages.all()

    @extend_schema(request=MessageInput, responses={201: MessageSerializer, **CONFLICT})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Write to the agent. It gets the message once, before its next turn."""
        job = own_job(request, job_id)
        given = MessageInput(data=request.data)
        given.is_valid(raise_exception=True)
        message = control.send_message(job, given.validated_data["text"], user_of(request))
        return Response(MessageSerializer(message).data, status=201)


class AfterPosition(pagination.AfterPagination):
    ordering = "position"


@extend_schema(
    parameters=[pagination.AFTER, pagination.LIMIT],
    responses={200: TranscriptSerializer(many=True), **BAD_OR_NOT_FOUND},
)
class TranscriptView(ListAPIView[AgentMessage]):
    """Everything the model was told and said, verbatim."""

    serializer_class = TranscriptSerializer
    pagination_class = AfterPosition

    def get_queryset(self) -> QuerySet[AgentMessage]:
        return AgentMessage.objects.filter(session=own_job(self.request, self.kwargs["job_id"]).pk)


class DocumentsView(APIView):
    @extend_schema(responses={200: DocumentSerializer(many=True), **NOT_FOUND})
    def get(self, request: Request, job_id: UUID) -> Response:
        documents = own_job(request, job_id).documents.order_by("pk")
        return Response(DocumentSerializer(documents, many=True).data)
