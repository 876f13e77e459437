"""The agent at work on a job, and its transcript."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.fields import VerbatimJSONField
from jobs.models import Job


class SessionState(models.TextChoices):
    """What the agent is doing; only `working` holds a process."""

    QUEUED = "queued", "In the queue"
    WORKING = "working", "Working"
    SLEEPING = "sleeping", "Asleep"  # the day's money is used, as planned
    WAITING_FOR_INPUT = "waiting_for_input", "Needs you"
    PAUSED = "paused", "Paused"  # by a person, or after too many questions
    BUDGET_EXCEEDED = "budget_exceeded", "Out of money for today"
    COMPLETED = "completed", "Finished"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Stopped"


ENDED = frozenset({SessionState.COMPLETED, SessionState.FAILED, SessionState.CANCELLED})
ASLEEP = frozenset({SessionState.SLEEPING, SessionState.BUDGET_EXCEEDED})
AT_WORK = frozenset({SessionState.QUEUED, SessionState.WORKING})
# The others that can be paused pause after their present step.
PAUSED_AT_ONCE = ASLEEP | {SessionState.QUEUED, SessionState.WAITING_FOR_INPUT}


class AgentSession(models.Model):
    """The agent at work on a job: the head of its checkpoint. The transcript is `AgentMessage`."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="session")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    state = models.CharField(max_length=20, choices=SessionState, default=SessionState.QUEUED)
    epoch = models.PositiveIntegerField(default=0)  # the fencing token: claiming a run increments it
    run_id = models.BigIntegerField(null=True, blank=True)  # the queue's id of the run that claimed it
    model = models.CharField(max_length=100)
    max_tool_calls = models.PositiveIntegerField(default=150)
    # Rendered once: thinking blocks are bound to the prefix, so a deploy must not change it.
    system_prompt = models.TextField(blank=True)
    sandbox_id = models.CharField(max_length=100, blank=True)
    sandbox_seconds = models.PositiveBigIntegerField(default=0)
    sandbox_used_at = models.DateTimeField(null=True, blank=True)  # when the finished app was last opened
    # The snapshot that this build goes back to; all others begin with the project's newest.
    goes_back_to = models.ForeignKey(
        "Snapshot", null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions"
    )
    current_phase = models.CharField(max_length=200, blank=True)
    iteration = models.PositiveIntegerField(default=0)
    last_position = models.PositiveIntegerField(default=0)  # of the transcript
    # Where the transcript ended when the agent last fell asleep; while it still does, nobody told the model.
    slept_after = models.PositiveIntegerField(null=True, blank=True)
    cost_microdollars = models.PositiveBigIntegerField(default=0)
    context_tokens = models.PositiveIntegerField(default=0)  # upper bound of the next call's input
    tool_calls = models.PositiveIntegerField(default=0)  # since the last wake, answer or phase change
    wound_down_on = models.DateField(null=True, blank=True)  # the day whose wind-down was told
    checks_rounds = models.PositiveSmallIntegerField(default=0)
    pause_requested = models.BooleanField(default=False)
    sleep_requested = models.BooleanField(default=False)  # the pause asked for is to be a sleep
    # What outside was in trouble when it last fell asleep, how often in a row, and at which iteration.
    trouble = models.CharField(max_length=40, blank=True, default="")
    trouble_since = models.DateTimeField(null=True, blank=True)
    trouble_count = models.PositiveIntegerField(default=0)
    trouble_iteration = models.PositiveIntegerField(default=0)
    trouble_detail = models.CharField(
        max_length=500, blank=True, default=""
    )  # what was said, for the operator
    wake_at = models.DateTimeField(null=True, blank=True)
    last_heard_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        permissions = [("operate_agentsession", "Can wake, pause, resume, stop, retry and put to sleep")]
        indexes = [
            models.Index(
                fields=["wake_at"],
                name="session_to_wake",
                condition=Q(state__in=["sleeping", "budget_exceeded"]),
            ),
            models.Index(fields=["-created_at"], name="session_newest"),
            models.Index(fields=["state", "-created_at"], name="session_newest_in_state"),
        ]

    def __str__(self) -> str:
        return str(self.job)


class AgentMessage(models.Model):
    """One row of the transcript, verbatim and never changed.

    Whoever adds a row moves the session's own row in the same transaction, and whoever deletes the session
    locks that first (`agents.session.locks`): the database need not look it up for each row once more.
    """

    class Role(models.TextChoices):
        USER = "user", "User"
        ASSISTANT = "assistant", "Assistant"

    session = models.ForeignKey(
        AgentSession, on_delete=models.CASCADE, related_name="messages", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role)
    content = VerbatimJSONField()  # the API's content blocks
    stop_reason = models.CharField(max_length=40, blank=True)  # of an assistant's turn
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["session", "position"], name="message_position")]

    def __str__(self) -> str:
        return f"{self.position} {self.role}"
