"""An interview under way: the founder's first words, the brief as it fills in, and the call for it."""

from django.conf import settings
from django.db import models

from jobs.models import UnderstandingSession


class InterviewState(models.TextChoices):
    """Where an interview stands. Nothing times out: each waits for its next move as long as it takes."""

    THINKING = "thinking", "Thinking"  # a worker asks the model for the next question
    ASKING = "asking", "Asking"  # a question is open
    TROUBLE = "trouble", "Interrupted"  # no model or no money: try again, or the written form
    DONE = "done", "Done"  # nothing more to ask; the brief is not approved yet
    APPROVED = "approved", "Approved"  # brief and promises are made


class InterviewTrouble(models.TextChoices):
    """Why an interview cannot go on by itself."""

    NO_MONEY = "no_money", "No money is left today"
    MODEL_AWAY = "model_away", "The model does not answer"
    SWITCHED_OFF = "switched_off", "Building is switched off"
    OPERATOR = "operator", "The operator has to mend something"


class InterviewProgress(models.Model):
    """`version` grows with every change that a page shows. A call is for one version, and else dropped."""

    interview = models.OneToOneField(
        UnderstandingSession, on_delete=models.CASCADE, primary_key=True, related_name="progress"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="interviews")
    state = models.CharField(max_length=10, choices=InterviewState, default=InterviewState.THINKING)
    trouble = models.CharField(max_length=20, choices=InterviewTrouble, blank=True)
    version = models.PositiveIntegerField(default=1)
    text = models.TextField()
    draft = models.JSONField(default=dict)
    changed = models.JSONField(default=list)  # lines of the draft that the last answer changed
    uncertainty = models.JSONField(default=dict)
    sensitive = models.JSONField(default=list)
    typed = models.JSONField(default=dict)  # what was typed and not yet sent, by question
    entry_id = models.UUIDField(null=True)  # the reservation of the call under way
    cost_microdollars = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.state}: {self.text[:50]}"
