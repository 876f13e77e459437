"""The API's serializers: builds, messages, transcripts, documents, money, snapshots and changes."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.models import AgentMessage, BuildDocument, SessionState, Snapshot
from agents.snapshots.diff import Kind, Omitted
from jobs.api.serializers import WordsField
from jobs.models import FounderMessage, JobStatus


class StartInput(serializers.Serializer[Any]):
    project_id = serializers.CharField(help_text="A project's UUID.")
    goal = serializers.CharField(default="", allow_blank=True)


class StartedSerializer(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)


class StatusSerializer(serializers.Serializer[Any]):
    """The status of a build."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    status_message = serializers.CharField()
    agent_state = serializers.ChoiceField(choices=SessionState.choices, allow_null=True)
    current_phase = serializers.CharField()
    iteration = serializers.IntegerField()
    budget_pct = serializers.IntegerField(min_value=0, max_value=100)
    wake_at = serializers.DateTimeField(allow_null=True)
    pending_escalations = serializers.IntegerField()
    preview_url = serializers.CharField()
    build_version = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    last_event_at = serializers.DateTimeField(allow_null=True)
    last_seq = serializers.IntegerField()


class MessageInput(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)


class MessageSerializer(serializers.ModelSerializer[FounderMessage]):
    class Meta:
        model = FounderMessage
        fields = ["id", "text", "created_at", "delivered_at"]


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class ContentField(serializers.JSONField):
    """Content blocks, verbatim."""


class TranscriptSerializer(serializers.ModelSerializer[AgentMessage]):
    content = ContentField(read_only=True)

    class Meta:
        model = AgentMessage
        fields = ["position", "role", "content", "stop_reason", "created_at"]


class DocumentSerializer(serializers.ModelSerializer[BuildDocument]):
    class Meta:
        model = BuildDocument
        fields = ["section", "content", "updated_at"]


class DaySerializer(serializers.Serializer[Any]):
    """A founder's UTC day; amounts are µ$."""

    day = serializers.DateField()
    allowance_microdollars = serializers.IntegerField()
    spent_microdollars = serializers.IntegerField()
    reserved_microdollars = serializers.IntegerField()
    budget_pct = serializers.IntegerField(min_value=0, max_value=100)
    used_pct = serializers.IntegerField(allow_null=True, help_text="Like budget_pct, but not capped at 100.")


class BudgetSerializer(DaySerializer):
    period_budget_microdollars = serializers.IntegerField()
    period_remaining_microdollars = serializers.IntegerField()
    renews_on = serializers.DateField(allow_null=True)


class TodayInput(serializers.Serializer[Any]):
    amount_microdollars = serializers.IntegerField(
        help_text="What today may cost, in µ$. At most what is left of the period."
    )


class ForecastSerializer(serializers.Serializer[Any]):
    """When a build will be ready at today's allowance, and with an example top-up; amounts are in µ$."""

    ready_on = serializers.DateField()
    days = serializers.IntegerField(help_text="From today; 0 is today.")
    cost_left_microdollars = serializers.IntegerField()
    top_up_microdollars = serializers.IntegerField()
    ready_on_with_top_up = serializers.DateField()


class SpendOfDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    cost_microdollars = serializers.IntegerField()
    retry_cost_microdollars = serializers.IntegerField(help_text="The part that answered failures.")


class SpendOfPhaseSerializer(serializers.Serializer[Any]):
    phase = serializers.CharField()
    cost_microdollars = serializers.IntegerField()
    retry_cost_microdollars = serializers.IntegerField(help_text="The part that answered failures.")


class SpendSerializer(serializers.Serializer[Any]):
    """The settled cost of a build; amounts are µ$."""

    job_id = serializers.UUIDField()
    calls = serializers.IntegerField()
    cost_microdollars = serializers.IntegerField()
    retry_cost_microdollars = serializers.IntegerField(help_text="The part that answered failures.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_write_5m_tokens = serializers.IntegerField()
    cache_write_1h_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    by_day = SpendOfDaySerializer(many=True)
    by_phase = SpendOfPhaseSerializer(many=True)
    today = DaySerializer()
    forecast = ForecastSerializer(allow_null=True, help_text="Null until a forecast is possible.")


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    files = serializers.IntegerField(help_text="The number of files.")
    size = serializers.IntegerField(help_text="The size of the archive in bytes.")

    class Meta:
        model = Snapshot
        fields = ["id", "created_at", "reason", "files", "size"]


class ChangeSerializer(serializers.Serializer[Any]):
    """A file that differs between two snapshots. Sizes are in bytes, null when there is no file."""

    path = serializers.CharField(source="name")
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    size_before = serializers.IntegerField(allow_null=True)
    size_after = serializers.IntegerField(allow_null=True)
    diff = serializers.CharField(
        allow_null=True,
        help_text="A unified diff; empty when only the mode changed, null when it is left out.",
    )
    omitted = serializers.ChoiceField(
        choices=[reason.value for reason in Omitted], allow_null=True, help_text="Why the diff was left out."
    )


class RestoreInput(serializers.Serializer[Any]):
    snapshot_id = serializers.CharField(help_text="One of the project's snapshots.")


ZIP = {(200, "application/zip"): OpenApiTypes.BINARY}


class PromiseSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="P1, P2, …; never used for another promise of the project.")
    text = serializers.CharField()
    how_checked = serializers.CharField(help_text="In plain words; empty where nobody has said.")


class AssumptionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    text = serializers.CharField()
    state = serializers.CharField()


class EstimateSerializer(serializers.Serializer[Any]):
    """About what a build of these promises costs, and how many days it takes at today's allowance."""

    promises = serializers.IntegerField()
    low_microdollars = serializers.IntegerField()
    cost_microdollars = serializers.IntegerField()
    high_microdollars = serializers.IntegerField()
    days = serializers.IntegerField(allow_null=True, help_text="null where the allowance never suffices.")
    most_days = serializers.IntegerField(allow_null=True)
    allowance_microdollars = serializers.IntegerField()
    each_microdollars = serializers.IntegerField(help_text="What one promise less would save.")
    builds = serializers.IntegerField(help_text="How many earlier builds it is made from; 0: a usual figure.")


class BriefSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="Of the brief; 0 where there is none.")
    promises = PromiseSerializer(many=True)
    out_of_scope = serializers.ListField(child=serializers.CharField())
    needs = serializers.ListField(child=serializers.CharField())
    assumptions = AssumptionSerializer(many=True)
    estimate = EstimateSerializer(allow_null=True)


class PromiseInput(serializers.Serializer[Any]):
    key = serializers.CharField(required=False, allow_blank=True)
    text = serializers.CharField(required=False)
    how_checked = serializers.CharField(required=False, allow_blank=True)


@extend_schema_field(PromiseInput(many=True))
class PromisesField(WordsField):
    pass


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class LinesField(WordsField):
    pass


class BriefInput(serializers.Serializer[Any]):
    """`jobs.brief_edits` says what may be in the lists, in sentences of its own."""

    version = serializers.IntegerField(
        required=False, min_value=0, help_text="The version you have seen: 409 if there is a newer one."
    )
    promises = PromisesField(required=False)
    out_of_scope = LinesField(required=False)
    needs = LinesField(required=False)
