"""The API of escalations: the founder's questions and their answers."""

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalations.answers import resolve
from escalations.models import AgentEscalation
from escalations.serializers import AnswerInput, EscalationSerializer
from jobs.api import pagination
from jobs.api.ownership import own_job, user_of
from jobs.api.refusals import CONFLICT, NOT_FOUND, REFUSALS
from jobs.api.serializers import ErrorSerializer
from jobs.errors import CofounderError

STATUS = OpenApiParameter("status", str, enum=AgentEscalation.Status.values)


def own_escalations(request: Request) -> QuerySet[AgentEscalation]:
    """The user's escalations, newest first."""
    return AgentEscalation.objects.filter(project__owner=request.user.pk)


@extend_schema(
    parameters=[*pagination.PAGE, STATUS],
    responses={200: EscalationSerializer(many=True), **REFUSALS, 400: ErrorSerializer},
)
class EscalationsView(ListAPIView[AgentEscalation]):
    serializer_class = EscalationSerializer

    def get_queryset(self) -> QuerySet[AgentEscalation]:
        found = own_escalations(self.request)
        if status := self.request.query_params.get("status"):
            if status not in AgentEscalation.Status.values:
                known = ", ".join(AgentEscalation.Status.values)
                raise CofounderError(f"status must be one of: {known}.", field="status")
            found = found.filter(status=status)
        return found


class EscalationView(APIView):
    @extend_schema(responses={200: EscalationSerializer, **NOT_FOUND})
    def get(self, request: Request, escalation_id: UUID) -> Response:
        escalation = get_object_or_404(own_escalations(request), pk=escalation_id)
        return Response(EscalationSerializer(escalation).data)


class ResolveView(APIView):
    throttle_scope = "resolve"

    @extend_schema(request=AnswerInput, responses={200: EscalationSerializer, **CONFLICT})
    @method_decorator(sensitive_variables())
    def post(self, request: Request, escalation_id: UUID) -> Response:
        """Answer a question; the agent hears it before its next turn."""
        get_object_or_404(own_escalations(request), pk=escalation_id)
        given = AnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        escalation = resolve(escalation_id, by=user_of(request), **given.validated_data)
        return Response(EscalationSerializer(escalation).data)


@extend_schema(parameters=pagination.PAGE, responses={200: EscalationSerializer(many=True), **NOT_FOUND})
class JobEscalationsView(ListAPIView[AgentEscalation]):
    serializer_class = EscalationSerializer

    def get_queryset(self) -> QuerySet[AgentEscalation]:
        return own_job(self.request, self.kwargs["job_id"]).escalations.all()
