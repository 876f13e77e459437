"""Who builds: tiers and subscriptions, the budget and its ledger, sessions, transcripts, snapshots."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from jobs.fields import EncryptedTextField, VerbatimJSONField
from jobs.models import Job, Project, UUIDModel


class PlanTier(models.Model):
    """What a subscription buys."""

    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    monthly_budget_microdollars = models.PositiveBigIntegerField()
    max_tool_calls = models.PositiveIntegerField(default=150)

    class Meta:
        ordering = ["monthly_budget_microdollars"]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A founder's plan, what an admin overrides of it, and when the agent may wake."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    tier = models.ForeignKey(PlanTier, on_delete=models.PROTECT)
    renews_on = models.DateField()
    model_override = models.CharField(max_length=100, blank=True)
    monthly_budget_override_microdollars = models.PositiveBigIntegerField(null=True, blank=True)
    auto_wake = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    suspended = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user} on {self.tier}"

    @property
    def monthly_budget_microdollars(self) -> int:
        override = self.monthly_budget_override_microdollars
        return self.tier.monthly_budget_microdollars if override is None else override

    @property
    def model(self) -> str:
        return self.model_override or self.tier.model


class DailyBudget(models.Model):
    """A founder's UTC day: what it allows, what is settled, and what calls under way may still cost (µ$)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="daily_budgets", db_index=False
    )
    day = models.DateField()
    allowance_microdollars = models.PositiveBigIntegerField()
    spent_microdollars = models.PositiveBigIntegerField(default=0)
    reserved_microdollars = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="daily_budget_day")]
        indexes = [models.Index(fields=["day"], name="daily_budget_of_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.spent_microdollars} of {self.allowance_microdollars} µ$"


class BudgetChange(UUIDModel):
    """Money moved by a person; `day` is the UTC day it counts for."""

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Top-up"  # adds to the period
        TODAY_ONLY = "today_only", "Today only"  # moves the period's money to or from a day
        OVERRIDE = "override", "Override"  # an admin's correction of the period

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="budget_changes"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    amount_microdollars = models.BigIntegerField()
    day = models.DateField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at"], name="budget_change_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_microdollars} µ$"


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
    locks that first (`agents.removal`): the database need not look it up for each row once more.
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


class SpendEntry(UUIDModel):
    """One model call in the ledger: reserved before it is made, settled by what it used.

    Added like an `AgentMessage`, together with a change of the session's own row.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"  # the call never happened

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="spend",
        db_index=False,
        db_constraint=False,
    )
    session = models.ForeignKey(
        AgentSession, on_delete=models.CASCADE, related_name="spend", db_constraint=False
    )
    phase = models.CharField(max_length=200, blank=True)
    day = models.DateField()  # of the reservation
    model = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.RESERVED)
    reserved_microdollars = models.PositiveBigIntegerField()
    max_tokens = models.PositiveIntegerField()
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_5m_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_1h_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cost_microdollars = models.PositiveBigIntegerField(default=0)
    price_version = models.CharField(max_length=20)
    is_retry = models.BooleanField(default=False)  # the call answers a failure
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        verbose_name_plural = "spend entries"
        indexes = [
            models.Index(fields=["user", "day"], name="spend_user_day"),
            models.Index(fields=["session"], name="spend_reserved", condition=Q(status="reserved")),
            # Rows come in the order of their days: this costs a call next to nothing.
            BrinIndex(fields=["day"], pages_per_range=32, autosummarize=True, name="spend_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.cost_microdollars} µ$ on {self.day}"


class Snapshot(UUIDModel):
    """A stored copy of the workspace: a tar.gz and its manifest `[{path, size, sha256}]`."""

    class Reason(models.TextChoices):
        CHECKPOINT = "checkpoint", "While building"
        SLEEP = "sleep", "Before sleep"
        FINAL = "final", "Build finished"
        END = "end", "Build ended"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="snapshots")
    key = models.CharField(max_length=300, unique=True)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    manifest = models.JSONField()
    reason = models.CharField(max_length=20, choices=Reason)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-key"]

    def __str__(self) -> str:
        return self.key


class SnapshotClock(models.Model):
    """The newest second given to a snapshot of the project. Each is given once, as archives are named so."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="snapshot_clock"
    )
    second = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.second}"


class ShareLink(UUIDModel):
    """Lets whoever has it open a project's app without signing in; deleting the row revokes it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="share_links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"until {self.expires_at}"


class BuildDocument(models.Model):
    """What the agent wrote for the founder about the product."""

    class Section(models.TextChoices):
        OVERVIEW = "overview", "Overview"
        FEATURES = "features", "Features"
        GETTING_STARTED = "getting_started", "Getting started"
        FAQ = "faq", "Questions and answers"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="documents")
    section = models.CharField(max_length=20, choices=Section)
    content = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "section"], name="document_section")]

    def __str__(self) -> str:
        return self.get_section_display()


class NotificationSettings(models.Model):
    """How a founder is told when not looking: which e-mails they want, and a webhook of their own.

    The address is a secret too: whoever knows that of a chat's webhook may write there.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="notifications"
    )
    mail_question = models.BooleanField(default=True)
    mail_ready = models.BooleanField(default=True)
    mail_failed = models.BooleanField(default=True)
    mail_money = models.BooleanField(default=True)
    webhook_url = EncryptedTextField(blank=True, default="")
    webhook_secret = EncryptedTextField(blank=True, default="")
    webhook_called_at = models.DateTimeField(null=True, blank=True)
    webhook_trouble = models.CharField(max_length=300, blank=True)  # of the last call; empty when it worked

    class Meta:
        verbose_name_plural = "notification settings"

    def __str__(self) -> str:
        return f"notifications of {self.user_id}"

    def wants_mail(self, kind: str) -> bool:
        return bool(getattr(self, f"mail_{kind}"))


class Notice(models.Model):
    """News of an event that went out; there is at most one for each event and channel."""

    class Channel(models.TextChoices):
        MAIL = "mail", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notices")
    seq = models.PositiveBigIntegerField()  # of the event
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.MAIL)
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "seq", "channel"], name="notice_once")]

    def __str__(self) -> str:
        return f"{self.channel} for event {self.seq}"
