"""Request and response bodies of projects, jobs, events and phases."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from jobs import briefs
from jobs.events import frame
from jobs.models import EventType, Job, JobEvent, Phase, Project
from jobs.verdicts import Verdict, verdict_of


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence for people.")
    fields = serializers.DictField(  # type: ignore[assignment]  # the name is the API's, not DRF's
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """The one shape of every refusal."""

    error = ErrorBody()


class AnswerSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField(allow_blank=True)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "name", "goal", "stage", "created_at"]


class ProjectDetailSerializer(ProjectSerializer):
    idea_brief = serializers.SerializerMethodField()
    interview = serializers.SerializerMethodField()

    class Meta(ProjectSerializer.Meta):
        fields = [*ProjectSerializer.Meta.fields, "idea_brief", "interview"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_idea_brief(self, project: Project) -> dict[str, Any]:
        latest = briefs.latest_brief(project)
        return latest.current_content if latest else {}

    @extend_schema_field(AnswerSerializer(many=True))
    def get_interview(self, project: Project) -> briefs.Interview:
        return briefs.latest_interview(project)


def _clean(field: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except briefs.BadBrief as error:
        raise briefs.BadBrief(str(error), field=field) from error


@extend_schema_field(OpenApiTypes.STR)
class WordsField(serializers.Field[Any, Any, Any, Any]):
    """Something that `jobs.briefs` judges."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {"oneOf": [{"type": "object"}, {"type": "string"}], "description": "An object, or a text: its summary."}
)
class IdeaBriefField(WordsField):
    pass


@extend_schema_field(AnswerSerializer(many=True))
class InterviewField(WordsField):
    pass


class ProjectInput(serializers.Serializer[Any]):
    """`jobs.briefs` says what may be in it, in sentences of its own."""

    name = WordsField(default="")
    goal = WordsField(default="")
    idea_brief = IdeaBriefField(default=dict)
    interview = InterviewField(default=list)

    def validate_name(self, value: Any) -> str:
        return str(_clean("name", briefs.clean_name, value))

    def validate_goal(self, value: Any) -> str:
        return str(_clean("goal", briefs.clean_goal, value))

    def validate_idea_brief(self, value: Any) -> Any:
        return _clean("idea_brief", briefs.clean_brief, value)

    def validate_interview(self, value: Any) -> Any:
        return _clean("interview", briefs.clean_interview, value)


class JobSerializer(serializers.ModelSerializer[Job]):
    build_version = serializers.CharField(read_only=True)
    preview_url = serializers.CharField(read_only=True, help_text="Empty until the app has been started.")

    class Meta:
        model = Job
        fields = [
            "id",
            "project_id",
            "goal",
            "tier",
            "status",
            "status_message",
            "build_version",
            "preview_url",
            "workspace_path",
            "debug_id",
            "last_seq",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class PhaseSerializer(serializers.ModelSerializer[Phase]):
    class Meta:
        model = Phase
        fields = ["position", "name", "goal", "status", "started_at", "completed_at"]


class CheckSerializer(serializers.Serializer[Any]):
    """The newest result of a check."""

    promise = serializers.CharField()
    key = serializers.CharField(
        default="", help_text="The promise's key, such as P1; empty for anything else."
    )
    run = serializers.CharField()
    ok = serializers.BooleanField(help_text="Whether the check passed; false, too, where nothing was judged.")
    verdict = serializers.SerializerMethodField()
    output = serializers.CharField()
    duration_ms = serializers.IntegerField()
    seq = serializers.IntegerField()
    timestamp = serializers.DateTimeField()

    @extend_schema_field(serializers.ChoiceField(choices=Verdict.choices))
    def get_verdict(self, check: dict[str, Any]) -> str:
        return verdict_of(check).value


@extend_schema_serializer(component_name="Frame")
class FrameSerializer(serializers.Serializer[Any]):
    """One event, as the WebSocket sends it too. Beside these names it holds the event's own fields."""

    seq = serializers.IntegerField()
    type = serializers.ChoiceField(choices=EventType.choices)
    job_id = serializers.UUIDField()
    timestamp = serializers.DateTimeField()

    def to_representation(self, event: JobEvent) -> dict[str, Any]:
        return frame(event)
