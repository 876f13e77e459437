"""Request and response bodies of escalations."""

from typing import Any

from rest_framework import serializers

from escalations.models import AgentEscalation


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name is the API's, not DRF's
    description = serializers.CharField()


class EscalationSerializer(serializers.ModelSerializer[AgentEscalation]):
    attempts_summary = serializers.ListField(child=serializers.CharField(), read_only=True)
    options = OptionSerializer(many=True, read_only=True)
    secret_names = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Of the secrets given with the answer."
    )
    resolved_via = serializers.CharField(
        read_only=True,
        help_text=f"One of {', '.join(AgentEscalation.Via.values)}; empty until it is answered.",
    )

    class Meta:
        model = AgentEscalation
        fields = [
            "id",
            "session_id",
            "job_id",
            "project_id",
            "error_type",
            "error_signature",
            "plain_english_problem",
            "attempts_summary",
            "recommended_action",
            "options",
            "status",
            "founder_decision",
            "founder_guidance",
            "secret_names",
            "resolved_via",
            "resolved_at",
            "delivered_at",
            "created_at",
        ]
        read_only_fields = fields


class AnswerInput(serializers.Serializer[Any]):
    decision = serializers.CharField(
        max_length=100, help_text="The value of an option, or provide_guidance, which is always valid."
    )
    guidance = serializers.CharField(default="", allow_blank=True)
    secrets = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False),
        default=dict,
        write_only=True,
        help_text="Credentials by the name of their environment variable.",
    )
