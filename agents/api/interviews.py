"""The API for interviews: begin with a sentence, answer, approve."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.interview import desk
from agents.interview.values import How
from agents.models import InterviewProgress, InterviewState, InterviewTrouble
from jobs.api.ownership import user_of
from jobs.api.refusals import BAD_OR_NOT_FOUND, CONFLICT, NOT_FOUND, REFUSALS
from jobs.api.serializers import ErrorSerializer, ProjectDetailSerializer

BEGIN_REFUSALS = {**REFUSALS, 400: ErrorSerializer, 402: ErrorSerializer, 503: ErrorSerializer}


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name is the API's, not DRF's
    reason = serializers.CharField(help_text="Why this one is recommended; empty for the others.")


class InterviewQuestionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    text = serializers.CharField()
    topic = serializers.CharField()
    why = serializers.CharField(help_text="What the answer decides.")
    options = ChoiceSerializer(many=True)
    recommended = serializers.CharField(help_text="The value of the recommended option: the first.")
    state = serializers.ChoiceField(choices=["open", "answered", "withdrawn"])
    how_answered = serializers.CharField(help_text="option, own, decide or skip; empty while it is open.")
    answer = serializers.CharField()
    typed = serializers.CharField(help_text="What was typed on the page and not yet sent.")


class InterviewSerializer(serializers.ModelSerializer[InterviewProgress]):
    """An interview with everything said so far, and the brief as it fills in."""

    id = serializers.UUIDField(source="interview_id")
    project_id = serializers.UUIDField(source="interview.project_id")
    state = serializers.ChoiceField(choices=InterviewState.choices)
    trouble = serializers.ChoiceField(choices=[("", "None"), *InterviewTrouble.choices], allow_blank=True)
    language = serializers.CharField(source="interview.language", help_text="BCP 47; empty at first.")
    questions = serializers.SerializerMethodField()
    brief = serializers.JSONField(source="draft")

    class Meta:
        model = InterviewProgress
        fields = [
            *("id", "project_id", "state", "trouble", "version", "text", "language"),
            *("questions", "brief", "changed", "cost_microdollars", "created_at"),
        ]

    @extend_schema_field(InterviewQuestionSerializer(many=True))
    def get_questions(self, progress: InterviewProgress) -> list[dict[str, Any]]:
        interview = progress.interview
        return [
            {
                **question,
                **{name: interview.details[question["id"]][name] for name in _DETAILS},
                "answer": interview.answers.get(question["id"], ""),
                "typed": progress.typed.get(question["id"], ""),
            }
            for question in interview.questions
        ]


_DETAILS = ("topic", "why", "options", "recommended", "state", "how_answered")


@extend_schema_field(OpenApiTypes.STR)
class SaidField(serializers.Field[Any, Any, Any, Any]):
    """A text that the interview judges, in sentences of its own."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class InterviewInput(serializers.Serializer[Any]):
    text = SaidField(default="", help_text="What it should do, and for whom: at most 50,000 characters.")


class InterviewAnswerInput(serializers.Serializer[Any]):
    question_id = serializers.CharField(max_length=20)
    how = serializers.ChoiceField(choices=[how.value for how in How])
    answer = serializers.CharField(
        default="", allow_blank=True, help_text="The option's value, or the founder's own words."
    )
    change = serializers.BooleanField(default=False, help_text="Whether an earlier answer may be replaced.")


def own_interview(request: Request, interview_id: UUID) -> InterviewProgress:
    found = InterviewProgress.objects.select_related("interview")
    return get_object_or_404(found, pk=interview_id, user=request.user.pk)


class InterviewsView(APIView):
    throttle_scope = "projects"

    @extend_schema(request=InterviewInput, responses={201: InterviewSerializer, **BEGIN_REFUSALS})
    def post(self, request: Request) -> Response:
        """Begin an interview; the first question comes within seconds, when `state` is `asking`."""
        given = InterviewInput(data=request.data)
        given.is_valid(raise_exception=True)
        progress = desk.begin(user_of(request), given.validated_data["text"])
        return Response(InterviewSerializer(progress).data, status=201)


class InterviewView(APIView):
    @extend_schema(responses={200: InterviewSerializer, **NOT_FOUND})
    def get(self, request: Request, interview_id: UUID) -> Response:
        return Response(InterviewSerializer(own_interview(request, interview_id)).data)


class AnswersView(APIView):
    throttle_scope = "interviews"

    @extend_schema(request=InterviewAnswerInput, responses={200: InterviewSerializer, **CONFLICT})
    def post(self, request: Request, interview_id: UUID) -> Response:
        """Answer a question; the same answer twice is one. 409 where another answer was given before."""
        own_interview(request, interview_id)
        given = InterviewAnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        progress = desk.answer(
            interview_id, said["question_id"], How(said["how"]), said["answer"], is_change=said["change"]
        )
        return Response(InterviewSerializer(progress).data)


class ApproveView(APIView):
    throttle_scope = "interviews"

    @extend_schema(
        request=None, responses={200: ProjectDetailSerializer, **BAD_OR_NOT_FOUND, 409: ErrorSerializer}
    )
    def post(self, request: Request, interview_id: UUID) -> Response:
        """Make the brief and its promises of what was said so far; then start the build as any other."""
        own_interview(request, interview_id)
        return Response(ProjectDetailSerializer(desk.approve(interview_id)).data)
