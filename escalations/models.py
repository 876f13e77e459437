"""When the agent needs the founder: repeated failures, and the questions they lead to."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.text import Truncator

from jobs.models import Job, Project, UUIDModel


class ErrorSignature(UUIDModel):
    """One kind of failure in a project, and what was tried against it: `[{what, error, cost}]`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="error_signatures")
    signature = models.CharField(max_length=200)  # {project_id}:{error_type}:{hash}
    category = models.CharField(max_length=40)
    attempts = models.JSONField(default=list)
    escalated_at = models.DateTimeField(null=True, blank=True)
    reset_at = models.DateTimeField(null=True, blank=True)  # when an answer, or progress, reset the count

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "signature"], name="error_signature")]

    def __str__(self) -> str:
        return self.signature


class AgentEscalation(UUIDModel):
    """A plain question to the founder, with options, and its answer."""

    class Status(models.TextChoices):
        PENDING = "pending", "Needs an answer"
        RESOLVED = "resolved", "Answered"
        SKIPPED = "skipped", "No longer needed"  # the job ended first

    class Via(models.TextChoices):
        FOUNDER = "founder", "Founder"  # signed in, on the page or over the API
        LINK = "link", "Link in a mail"
        ADMIN = "admin", "Admin"
        OPERATOR = "operator", "Operator"  # at a terminal; nobody is signed in there

    session_id = models.UUIDField(db_index=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="escalations")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="escalations")
    error_type = models.CharField(max_length=100)
    error_signature = models.CharField(max_length=200, db_index=True)
    plain_english_problem = models.TextField()
    attempts_summary = models.JSONField(default=list, blank=True)  # [str]
    recommended_action = models.TextField(blank=True)
    options = models.JSONField(default=list, blank=True)  # [{value, label, description}]
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    founder_decision = models.CharField(max_length=100, blank=True)
    founder_guidance = models.TextField(blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolved_via = models.CharField(max_length=20, choices=Via, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    secret_names = models.JSONField(default=list, blank=True)  # [str], of the secrets given with the answer
    delivered_at = models.DateTimeField(null=True, blank=True)  # when the answer entered the transcript
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "error_signature"],
                condition=Q(status="pending"),
                name="escalation_one_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="escalation_newest"),
            models.Index(fields=["status", "-created_at"], name="escalation_newest_in_status"),
        ]

    def __str__(self) -> str:
        return Truncator(self.plain_english_problem).chars(60)


class AnswerLink(UUIDModel):
    """A link in a mail: whoever holds it may answer one question, once. Only its token's hash is kept."""

    escalation = models.ForeignKey(AgentEscalation, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256, in hex
    sent_to = models.EmailField()  # it is void once the founder's address is another one
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    renewed_at = models.DateTimeField(null=True, blank=True)  # when a replacement was last requested

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"link to question {self.escalation_id}"
